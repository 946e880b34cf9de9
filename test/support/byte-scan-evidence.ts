import { channel } from 'node:diagnostics_channel';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join, relative } from 'node:path';
import { type DynamoDBClient, ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';
import { parquetReadObjects } from 'hyparquet';
import type { ByteScanner } from './byte-scan.ts';

/** Bytes that somebody could read, and where. */
export interface Evidence {
  readonly place: string;
  readonly bytes: Uint8Array;
}

export const textEvidence = (place: string, content: unknown): Evidence => ({
  place,
  bytes: Buffer.from(typeof content === 'string' ? content : (JSON.stringify(content) ?? '')),
});

export interface RecordedRequests {
  /** What the servers of `ports` have been sent, line and headers included; by the place of the port. */
  read(ports: ReadonlyMap<number, string>): Evidence[];
  /** Called when a request begins. */
  onBegin: ((method: string, path: string) => void) | undefined;
  stop(): void;
}

interface BegunRequest {
  readonly request: IncomingMessage;
  readonly port: number;
  readonly chunks: Buffer[];
}

/**
 * Keeps every byte that HTTP servers of this process are sent from now on: what is written and soon deleted as well as
 * what is there at the end.
 */
export function recordRequests(): RecordedRequests {
  const begun: BegunRequest[] = [];
  const starts = channel('http.server.request.start');
  const listen = (message: unknown) => {
    const { request } = message as { request: IncomingMessage };
    const chunks: Buffer[] = [];
    begun.push({ request, port: request.socket.localPort ?? 0, chunks });
    const push = request.push.bind(request);
    request.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
      return push(chunk, encoding);
    };
    recorded.onBegin?.(request.method ?? '', request.url ?? '');
  };
  starts.subscribe(listen);
  const recorded: RecordedRequests = {
    onBegin: undefined,
    stop: () => void starts.unsubscribe(listen),
    read: (ports) =>
      begun.flatMap(({ request, port, chunks }) => {
        const place = ports.get(port);
        const { method, url, rawHeaders } = request;
        const head = Buffer.from(`${method} ${url}\n${rawHeaders.join('\n')}\n\n`);
        return place === undefined ? [] : { place, bytes: Buffer.concat([head, ...chunks]) };
      }),
  };
  return recorded;
}

/** Every file below a directory, its name included. */
export async function readFiles(directory: string): Promise<Evidence[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    paths.map(async (path) => {
      const name = relative(directory, path);
      return { place: 'files', bytes: Buffer.concat([Buffer.from(`${name}\n`), await readFile(path)]) };
    }),
  );
}

/** Every item of every table: their files may be compressed. */
export async function readTables(dynamodb: DynamoDBClient): Promise<Evidence[]> {
  const { TableNames = [] } = await dynamodb.send(new ListTablesCommand({}));
  const evidence: Evidence[] = [];
  for (const TableName of TableNames) {
    let ExclusiveStartKey: Record<string, never> | undefined;
    do {
      const page = await dynamodb.send(new ScanCommand({ TableName, ExclusiveStartKey }));
      for (const item of page.Items ?? []) evidence.push(textEvidence('tables', item));
      ExclusiveStartKey = page.LastEvaluatedKey as Record<string, never> | undefined;
    } while (ExclusiveStartKey);
  }
  return evidence;
}

/** Every version in a bucket, its key included, and Parquet as the rows it holds. */
export async function readBucket(
  s3: S3Client,
  { bucket: Bucket, place }: { bucket: string; place: string },
): Promise<Evidence[]> {
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
  return Promise.all(
    Versions.map(async ({ Key, VersionId }) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, VersionId }));
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
      const isParquet = Buffer.from(bytes.subarray(0, 4)).toString('latin1') === 'PAR1';
      const content = isParquet ? await rowsOf(bytes) : bytes;
      return { place, bytes: Buffer.concat([Buffer.from(`${Key}\n`), content]) };
    }),
  );
}

async function rowsOf(bytes: Uint8Array): Promise<Buffer> {
  const rows = await parquetReadObjects({ file: Uint8Array.from(bytes).buffer });
  const plain = (_: string, cell: unknown) => (typeof cell === 'bigint' ? String(cell) : cell);
  return Buffer.from(JSON.stringify(rows, plain));
}

/** More tell no more. */
const mostPerPlace = 10;

/** As `place: value as form`, each once; the first few of every place. */
export function searchEvidence(scanner: ByteScanner, evidence: readonly Evidence[]): string[] {
  const found = new Map<string, Set<string>>();
  for (const { place, bytes } of evidence) {
    const here = found.get(place) ?? new Set();
    found.set(place, here);
    for (const { value, form } of scanner.scan(bytes))
      if (here.size < mostPerPlace) here.add(`${place}: ${value} as ${form}`);
  }
  return [...found.values()].flatMap((here) => [...here]).sort();
}

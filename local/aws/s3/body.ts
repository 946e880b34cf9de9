import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32 } from 'node:zlib';
import { notImplemented, S3Error } from './s3-error.ts';

export interface ReceivedBody {
  readonly bytes: Buffer;
  /** Those the caller sent, each found right, by header. */
  readonly checksums: Readonly<Record<string, string>>;
}

/**
 * The object in a request: out of aws-chunked framing, where it came in that, and held to every checksum the caller
 * sent in front of it or behind it.
 * @throws S3Error `BadDigest`, `IncompleteBody`, `NotImplemented`
 */
export function readObjectBody(headers: IncomingHttpHeaders, body: Buffer): ReceivedBody {
  const chunked = String(headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-');
  const { bytes, trailers } = chunked ? unchunk(body) : { bytes: body, trailers: {} };
  const announced = headers['x-amz-decoded-content-length'];
  if (announced !== undefined && Number(announced) !== bytes.length) throw incomplete();
  checkMd5(headers['content-md5'], bytes);
  const checksums = Object.entries({ ...headers, ...trailers }).filter(
    (entry): entry is [string, string] => isChecksum(entry[0]) && typeof entry[1] === 'string',
  );
  for (const [name, value] of checksums) checkSum(name, value, bytes);
  return { bytes, checksums: Object.fromEntries(checksums) };
}

const isChecksum = (header: string): boolean =>
  /^x-amz-checksum-/.test(header) && !/-(algorithm|type|mode)$/.test(header);

const digests: Readonly<Record<string, (bytes: Buffer) => string>> = {
  'x-amz-checksum-crc32': checksumCrc32,
  'x-amz-checksum-sha1': (bytes) => createHash('sha1').update(bytes).digest('base64'),
  'x-amz-checksum-sha256': (bytes) => createHash('sha256').update(bytes).digest('base64'),
};

/** CRC-32 as S3 writes it: four bytes, the highest first, in base64. */
export function checksumCrc32(bytes: Buffer): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString('base64');
}

function checkSum(name: string, value: string, bytes: Buffer): void {
  const digest = digests[name];
  if (!digest) throw notImplemented(name);
  if (digest(bytes) === value) return;
  throw new S3Error(400, 'BadDigest', `The ${name} you specified did not match the calculated checksum.`);
}

function checkMd5(value: string | string[] | undefined, bytes: Buffer): void {
  if (value === undefined || createHash('md5').update(bytes).digest('base64') === value) return;
  throw new S3Error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
}

const incomplete = () =>
  new S3Error(
    400,
    'IncompleteBody',
    'You did not provide the number of bytes specified by the request headers',
  );

/** Chunks of `size in hexadecimal[;signature] CRLF bytes CRLF`, one of size 0 at the end, trailers behind it. */
function unchunk(body: Buffer): { bytes: Buffer; trailers: Record<string, string> } {
  const pieces: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf('\r\n', at);
    const [, size] = /^([0-9a-f]+)(;.*)?$/i.exec(body.toString('latin1', at, Math.max(at, lineEnd))) ?? [];
    if (size === undefined) throw incomplete();
    const start = lineEnd + 2;
    const end = start + Number.parseInt(size, 16);
    if (end === start) return { bytes: Buffer.concat(pieces), trailers: readTrailers(body.subarray(start)) };
    if (end + 2 > body.length) throw incomplete();
    pieces.push(body.subarray(start, end));
    at = end + 2;
  }
}

function readTrailers(rest: Buffer): Record<string, string> {
  const fields = [...rest.toString('latin1').matchAll(/^([^:\r\n]+):[ \t]*([^\r\n]*)/gm)];
  return Object.fromEntries(fields.map(([, name = '', value = '']) => [name.toLowerCase(), value.trim()]));
}

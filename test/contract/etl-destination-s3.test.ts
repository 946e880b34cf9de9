import { parquetReadObjects } from 'hyparquet';
import { createS3Destination } from '../../shared/etl/destinations/s3/destination.ts';
import type { ObjectStore } from '../../shared/etl/objects/object-store.ts';
import { createMemoryObjectStore } from '../../shared/etl/objects/store.memory.ts';
import type { Row } from '../../shared/etl/record.ts';
import { jsonRowParser } from '../../shared/etl/records/json-row.ts';
import { recordLimits } from '../../shared/etl/records/limits.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { describeDestinationContract, trialShape } from './etl-destination.ts';

/** The rows of the objects that stand there now, as a reader without the list would find them. */
async function readAll(objects: ObjectStore, read: (bytes: Buffer) => Promise<readonly Row[]>) {
  const rows: Row[] = [];
  for await (const { key, latest, deleted } of objects.listVersions('shop/orders/load=')) {
    if (!latest || deleted) continue;
    const pieces: Uint8Array[] = [];
    for await (const piece of (await objects.read(key))?.bytes ?? []) pieces.push(piece);
    rows.push(...(await read(Buffer.concat(pieces))));
  }
  return rows;
}

const readers = {
  async ndjson(bytes: Buffer): Promise<readonly Row[]> {
    const parse = jsonRowParser(recordLimits());
    return bytes.toString('utf8').trimEnd().split('\n').map(parse);
  },
  async parquet(bytes: Buffer): Promise<readonly Row[]> {
    const parsers = {
      stringFromBytes: (each: Uint8Array) => Buffer.from(each).toString('utf8'),
      timestampFromMicroseconds: (micros: bigint) => micros,
    };
    const file = new Uint8Array(bytes).buffer;
    const rows = await parquetReadObjects({ file, parsers: parsers as never });
    return rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, asCell(name, cell)])),
    );
  },
};

function asCell(name: string, cell: unknown): Row[string] {
  const type = trialShape.columns.find((column) => column.name === name)?.type;
  if (type === 'timestamp' && typeof cell === 'bigint') {
    const millis = new Date(Number(cell / 1000n) - (cell % 1000n < 0n ? 1 : 0)).toISOString();
    const micros = String(((cell % 1000n) + 1000n) % 1000n).padStart(3, '0');
    return millis.replace('Z', `${micros}Z`).replace(/\.?0+Z$/, 'Z');
  }
  if (type === 'integer' && typeof cell === 'bigint')
    return Number.isSafeInteger(Number(cell)) ? Number(cell) : String(cell);
  if (cell instanceof Date) return cell.toISOString().slice(0, 10);
  return cell as Row[string];
}

for (const format of ['ndjson', 'parquet'] as const) {
  describeDestinationContract(
    `S3 (${format})`,
    async () => {
      const objects = createMemoryObjectStore(systemClock);
      const definition = { type: 's3', prefix: 'shop/', table: 'orders', format } as const;
      const destination = createS3Destination({ definition, objects, clock: systemClock });
      return { destination, rows: () => readAll(objects, readers[format]) };
    },
    'kept by load',
  );
}

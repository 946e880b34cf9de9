import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createGzip } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type RecordFormat, readRecords } from '../../../../shared/etl/records/read-records.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const mebibyte = 1024 * 1024;
const totalBytes = 20 * mebibyte;
/** Room for what streams buffer and the collector leaves behind, well below the stream's own size. */
const mostGrownBytes = 8 * mebibyte;
const rowText = (id: number) =>
  JSON.stringify({ id, email: `user${id}@example.com`, at: '2026-11-21T10:00:00Z' });

interface Layout {
  readonly head: string;
  readonly row: (id: number) => string;
  readonly tail: string;
}

const layouts: readonly (readonly [string, RecordFormat, Layout])[] = [
  ['NDJSON', { type: 'ndjson' }, { head: '', row: (id) => `${rowText(id)}\n`, tail: '' }],
  [
    'a JSON document',
    { type: 'json', path: '/data/items' },
    { head: '{"data":{"items":[{}', row: (id) => `,${rowText(id)}`, tail: ']}}' },
  ],
  ['CSV', { type: 'csv' }, { head: 'id,email\n', row: (id) => `${id},user${id}@example.com\n`, tail: '' }],
  [
    'quoted CSV',
    { type: 'csv' },
    { head: 'id,email\n', row: (id) => `"${id}","user\n${id}@example.com"\n`, tail: '' },
  ],
];

describe('memory over a stream of 20 MiB', () => {
  it.each(layouts)('stays flat for %s', async (_, format, layout) => {
    expect(await liveBytesGrown(generate(layout), format)).toBeLessThan(mostGrownBytes);
  });

  it('stays flat for gzip', async () => {
    const [, format, layout] = layouts[0] ?? [];
    if (!format || !layout) throw new Error('the first layout is NDJSON');
    const packed = generate(layout);
    const gzip = createGzip({ level: 1 });
    const { pipeline } = await import('node:stream/promises');
    const packing = pipeline(packed, gzip);
    expect(await liveBytesGrown(gzip, format, 'gzip')).toBeLessThan(mostGrownBytes);
    await packing;
  });
});

/** How far the bytes still in use, looked at every 2 MiB or so, rise above what they were at the first look. */
async function liveBytesGrown(
  bytes: AsyncIterable<Uint8Array>,
  format: RecordFormat,
  compression: 'none' | 'gzip' = 'none',
): Promise<number> {
  const looks: number[] = [];
  let batches = 0;
  for await (const batch of readRecords({ chunkId: 'c', bytes, format, compression, batchRows: 1000 })) {
    batches += 1;
    if (batches % 25 !== 0 || batch.length === 0) continue;
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    looks.push(heapUsed + arrayBuffers);
  }
  expect(looks.length).toBeGreaterThan(8);
  return Math.max(...looks) - (looks[0] ?? 0);
}

async function* generate({ head, row, tail }: Layout): AsyncGenerator<Uint8Array> {
  yield Buffer.from(head);
  let id = 0;
  for (let written = 0; written < totalBytes; ) {
    const rows: string[] = [];
    for (let count = 0; count < 500; count += 1) {
      id += 1;
      rows.push(row(id));
    }
    const chunk = Buffer.from(rows.join(''));
    written += chunk.length;
    yield chunk;
  }
  yield Buffer.from(tail);
}

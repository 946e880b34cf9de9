import { describe, expect, it } from 'vitest';
import { type RecordStream, readRecords } from '../../../../shared/etl/records/read-records.ts';
import type { RecordReading } from '../../../../shared/etl/records/reading.ts';
import { Failure } from '../../../../shared/runtime/errors.ts';
import { chunksOf, readAll } from './read-all.ts';

const ndjson = { type: 'ndjson' } as const;
const aStream = (text: string, overrides: Partial<RecordStream> = {}): RecordStream => ({
  chunkId: 'orders/2026-11-21.ndjson@v1',
  bytes: chunksOf(Buffer.from(text), 16),
  format: ndjson,
  ...overrides,
});

async function batchesOf(stream: RecordStream): Promise<(readonly RecordReading[])[]> {
  const batches: (readonly RecordReading[])[] = [];
  for await (const batch of readRecords(stream)) batches.push(batch);
  return batches;
}

describe('readRecords', () => {
  it('ends a batch at 4 MiB of text, so that a thousand large rows need not fit into memory', async () => {
    const row = `{"a":${JSON.stringify('x'.repeat(200_000))}}\n`;
    const bytes = chunksOf(Buffer.from(row.repeat(60)), 64 * 1024);
    const batches = await batchesOf(aStream('', { bytes }));
    expect(batches.flat()).toHaveLength(60);
    expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(22);
    expect(batches.every(({ length }) => length > 0)).toBe(true);
  });

  it('says where each record stood, by chunk and line', async () => {
    const [batch] = await batchesOf(aStream('{"a":1}\n\n{"a":\n'));
    expect(batch).toEqual([
      {
        kind: 'record',
        record: { position: { chunkId: 'orders/2026-11-21.ndjson@v1', ordinal: 1 }, row: { a: 1 } },
      },
      {
        kind: 'unreadable',
        quarantined: {
          position: { chunkId: 'orders/2026-11-21.ndjson@v1', ordinal: 3 },
          reasons: [
            {
              code: 'json-syntax',
              stage: 'parse',
              message: 'a value is missing, at byte 5 of the row; correct it at the source and replay',
            },
          ],
        },
      },
    ]);
  });

  it('hands out full batches and a last one of what is left', async () => {
    const batches = await batchesOf(aStream('{"a":1}\n'.repeat(25), { batchRows: 10 }));
    expect(batches.map(({ length }) => length)).toEqual([10, 10, 5]);
  });

  it('hands out no batch where there is no row', async () => {
    expect(await batchesOf(aStream('\n\n'))).toEqual([]);
    expect(await batchesOf(aStream('[]', { format: { type: 'json' } }))).toEqual([]);
  });

  it.each([
    ['ndjson', '{"a":{"b":[{"c":1}]},"d":"\\u003a"}\n{"a":{"b":[{"c":1}]}}'],
    ['json', '[{"a":{"b":[{"c":1}]}}]'],
    ['csv', 'a,b\n1,2'],
  ] as const)('gives %s rows no prototype at any level', async (type, text) => {
    const { records } = await readAll(Buffer.from(text), { format: { type } });
    const prototypes = records.flatMap(({ row }) => prototypesIn(row));
    expect(prototypes.length).toBeGreaterThan(0);
    expect(new Set(prototypes)).toEqual(new Set([null]));
  });

  it('counts bytes, not characters, where it says what is wrong', async () => {
    const { unreadable } = await readAll(Buffer.from('{"日":"é",!}'), { format: ndjson });
    expect(unreadable[0]?.reasons[0]?.message).toContain('at byte 12 of the row');
  });

  it('says at which byte of a line UTF-8 breaks', async () => {
    const { unreadable } = await readAll(Buffer.from('{"é":"\xff"}', 'latin1'), { format: ndjson });
    expect(unreadable[0]?.reasons[0]?.message).toContain('at byte 2 of the line');
  });

  it('closes the source when the reader leaves early, compressed or not', async () => {
    for (const compression of ['none', 'gzip'] as const) {
      const closed = Promise.withResolvers<void>();
      const bytes = endless(compression, () => closed.resolve());
      for await (const batch of readRecords(aStream('', { bytes, compression, batchRows: 1 }))) {
        expect(batch.length).toBe(1);
        break;
      }
      await closed.promise;
    }
  });

  it('passes a failure of the source on as it is', async () => {
    const failure = new Failure({
      code: 'source-stalled',
      disposition: 'retry',
      message: 'no byte for 30 s',
    });
    for (const compression of ['none', 'gzip', 'br', 'zstd', 'deflate'] as const) {
      await expect(batchesOf(aStream('', { bytes: failing(failure), compression }))).rejects.toBe(failure);
    }
  });

  it.each([
    [{ format: { type: 'json', path: 'data' } }, 'record-format-invalid'],
    [{ format: { type: 'json', path: '/a~2b' } }, 'record-format-invalid'],
    [{ format: { type: 'csv', quote: '""' } }, 'record-format-invalid'],
    [{ format: { type: 'csv', delimiter: 'é' } }, 'record-format-invalid'],
    [{ batchRows: 0 }, 'record-format-invalid'],
    [{ limits: { rowBytes: 0 } }, 'record-limit-invalid'],
    [{ limits: { cells: 1.5 } }, 'record-limit-invalid'],
    [{ limits: { depth: 100_000 } }, 'record-limit-invalid'],
  ] as const)('refuses the options %j before it reads', async (overrides, code) => {
    await expect(batchesOf(aStream('{"a":1}', overrides))).rejects.toMatchObject({
      code,
      disposition: 'give-up',
    });
  });
});

function prototypesIn(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.values(value).flatMap(prototypesIn);
  return Array.isArray(value) ? below : [Object.getPrototypeOf(value), ...below];
}

async function* endless(compression: 'none' | 'gzip', onClose: () => void): AsyncGenerator<Uint8Array> {
  const { gzipSync } = await import('node:zlib');
  const rows = Buffer.from('{"a":1}\n'.repeat(1000));
  try {
    for (;;) yield compression === 'gzip' ? gzipSync(rows) : rows;
  } finally {
    onClose();
  }
}

async function* failing(failure: Failure): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(0);
  throw failure;
}

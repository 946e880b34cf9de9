import { describe, expect, it } from 'vitest';
import { readOwnLines } from '../../../../shared/etl/chain/own-lines.ts';
import { rawLine, readRawLines } from '../../../../shared/etl/chain/raw-lines.ts';
import type { Row } from '../../../../shared/etl/record.ts';
import { readRecords } from '../../../../shared/etl/records/read-records.ts';
import { Failure } from '../../../../shared/runtime/errors.ts';

const broken = () => new Failure({ code: 'part-broken', disposition: 'bug', message: 'broken' });
const read = (text: string) => [...readOwnLines(Buffer.from(text), broken)].flat();
const linesOf = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

const aRow = (n: number) => ({
  id: `row ${n}`,
  text: ['plain', 'Ünïcode ✓ 🎈', 'quote " and \\ and \n', '', 'x'.repeat(n % 700)][n % 5],
  number: [0, -1.5, 1e-7, 2 ** 53 - 1, null][n % 5],
  nested: { list: [n, { deep: [true, null] }], digits: '123456789012345678901234567890' },
});

async function readStrictly(text: string): Promise<Row[]> {
  const bytes = (async function* () {
    yield Buffer.from(text);
  })();
  const rows: Row[] = [];
  for await (const batch of readRecords({ chunkId: 'c', bytes, format: { type: 'ndjson' } }))
    for (const reading of batch) if (reading.kind === 'record') rows.push(reading.record.row);
  return rows;
}

describe('the lines of a part', () => {
  it('are read as the strict reader reads them, over every bound of a block', async () => {
    const text = linesOf(Array.from({ length: 3_000 }, (_, n) => aRow(n)));
    expect(text.length).toBeGreaterThan(4 * 128 * 1_024);
    const rows = read(text);
    expect(rows).toHaveLength(3_000);
    expect(rows).toEqual(await readStrictly(text));
  });

  it('may each be longer than a block, and the last may lack its line break', () => {
    const rows = [1, 400_000, 5, 131_072, 131_071].map((length) => ({ text: 'é'.repeat(length) }));
    expect(read(linesOf(rows))).toEqual(rows);
    expect(read(linesOf(rows).slice(0, -1))).toEqual(rows);
    expect(read('')).toEqual([]);
  });

  it('give objects without prototypes, at every depth', () => {
    const [row] = read('{"a":{"b":[{"__proto__":1}]}}\n') as unknown as { a: { b: object[] } }[];
    for (const object of [row, row?.a, row?.a.b[0]]) expect(Object.getPrototypeOf(object)).toBeNull();
    expect(Array.isArray(row?.a.b)).toBe(true);
  });

  it('keep a double that is written as digits alone', () => {
    const rows = [{ amount: 1e20 }, { amount: -(2 ** 53) }, { amount: 1e300 }];
    expect(read(linesOf(rows))).toEqual(rows);
  });

  it.each(['{"ssn":"078-05-1120"', '[1]', '"text"', 'null', '', '{"ssn":"078"}}'])(
    'are refused as a whole when one is %s, with no word of it',
    (line) => {
      const attempt = () => read(`{"a":1}\n${line}\n{"b":2}\n`);
      expect(attempt).toThrow(expect.objectContaining({ code: 'part-broken', cause: undefined }));
      expect(attempt).not.toThrow(/078/);
    },
  );

  it('are refused when they are no UTF-8', () => {
    const attempt = () => [...readOwnLines(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d, 0x0a]), broken)];
    expect(attempt).toThrow('broken');
  });
});

describe('raw lines', () => {
  it('give back readable and unreadable records with their places', async () => {
    const row = Object.assign(Object.create(null) as object, aRow(3)) as Row;
    const reasons = [{ code: 'json-syntax', stage: 'parse' as const, message: 'a value is missing' }];
    const text = [
      rawLine({ kind: 'record', record: { position: { chunkId: 'c', ordinal: 7 }, row } }),
      rawLine({ kind: 'unreadable', quarantined: { position: { chunkId: 'c', ordinal: 8 }, reasons } }),
    ].join('\n');
    const batches = await Array.fromAsync(readRawLines('c', Buffer.from(`${text}\n`)));
    expect(batches).toEqual([
      {
        records: [{ position: { chunkId: 'c', ordinal: 7 }, row: aRow(3) }],
        unreadable: [{ position: { chunkId: 'c', ordinal: 8 }, reasons }],
      },
    ]);
  });

  it('are none of ours without a record and without reasons', async () => {
    const attempt = Array.fromAsync(readRawLines('c', Buffer.from('{"o":1}\n')));
    await expect(attempt).rejects.toMatchObject({ code: 'raw-part-broken' });
  });
});

import { describe, expect, it } from 'vitest';
import { encodeNdjson } from '../../../../../shared/etl/destinations/files/ndjson-file.ts';
import { aColumn, aPart, aRow, aShape, neverAborted } from '../builders.ts';
import { everyType, oddRows } from './odd-rows.ts';

const encode = async (
  options: Partial<Parameters<typeof encodeNdjson>[2]> = {},
  part = aPart(oddRows.map(aRow)),
) => {
  const bytes = await encodeNdjson(part, everyType, { signal: neverAborted, nulls: 'written', ...options });
  return Buffer.from(bytes).toString('utf8');
};

describe('an NDJSON part', () => {
  it('is a line of JSON for each row, whatever its strings hold', async () => {
    const text = await encode();
    const lines = text.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).id)).toEqual(oddRows.map(({ id }) => id));
  });

  it('has the columns in their order and the digits of large integers', async () => {
    const [first] = (await encode()).split('\n');
    expect(first).toBe(
      '{"id":"plain","large":9223372036854775807,"measure":0.1,"yes":true,"at":"2026-03-29T01:30:00.123Z",' +
        '"day":"2024-02-29","price":"12345678901234567890.10","extra":{"b":[1,null,"x"],"a":{"deep":true}}}',
    );
  });

  it('writes a null, or leaves it out with every null inside a cell kept', async () => {
    const [first, second] = (await encode({ nulls: 'left-out' })).split('\n');
    expect(second).toBe('{"id":"nothing"}');
    expect(first).toContain('[1,null,"x"]');
  });

  it('numbers rows on from where it is told', async () => {
    const text = await encode({ nulls: 'left-out', rowNumbers: { name: '_etl_row', from: 40 } });
    expect(text.split('\n')[1]).toBe('{"id":"nothing","_etl_row":41}');
  });

  it('has other bytes for another writer and the same rows', async () => {
    const one = await encode({ writer: { runId: 'a', fence: 1 } });
    const other = await encode({ writer: { runId: 'a', fence: 2 } });
    expect(one).not.toBe(other);
    const trimmed = (text: string) => text.split('\n').map((line) => line.trimEnd());
    expect(trimmed(one)).toEqual(trimmed(other));
    for (const line of one.trimEnd().split('\n')) JSON.parse(line);
  });

  it('takes a column that is called as the language calls something', async () => {
    const shape = aShape(aColumn('__proto'), aColumn('length', { type: 'integer' }));
    const bytes = await encodeNdjson(aPart([aRow({ __proto: 'x', length: 3 })]), shape, {
      signal: neverAborted,
      nulls: 'written',
    });
    expect(Buffer.from(bytes).toString('utf8')).toBe('{"__proto":"x","length":3}\n');
  });
});

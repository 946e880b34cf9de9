import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { jsonRowParser } from '../../../../shared/etl/records/json-row.ts';
import { parseStrictly } from '../../../../shared/etl/records/json-strict.ts';
import { defaultRecordLimits } from '../../../../shared/etl/records/limits.ts';
import { RowFault } from '../../../../shared/etl/records/reading.ts';
import { judgeNaively } from './json-oracle.ts';
import { rowTexts } from './json-texts.ts';
import { plain, readAll } from './read-all.ts';

vi.setConfig({ testTimeout: 120_000 });

const numRuns = 10_000;
const parseRow = jsonRowParser(defaultRecordLimits);

const judged = (parse: (text: string) => unknown) => (text: string) => {
  try {
    return { row: plain(parse(text)) };
  } catch (error) {
    if (error instanceof RowFault) return { refused: true };
    throw error;
  }
};

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

describe('a row of JSON', () => {
  it('is read or refused as the naive reading says', () => {
    let accepted = 0;
    fc.assert(
      fc.property(rowTexts, (text) => {
        const verdict = judgeNaively(text);
        if ('row' in verdict) accepted += 1;
        expect(judged(parseRow)(text)).toEqual(plain(verdict));
      }),
      { numRuns },
    );
    expect(accepted).toBeGreaterThan(numRuns / 5);
    expect(accepted).toBeLessThan(numRuns);
  });

  it('is read alike with and without the short cut', () => {
    const strictly = judged((text) => {
      const value = parseStrictly(text, defaultRecordLimits);
      if (!isObject(value)) throw new RowFault('not-an-object', '');
      return value;
    });
    fc.assert(
      fc.property(rowTexts, (text) => {
        expect(judged(parseRow)(text)).toEqual(strictly(text));
      }),
      { numRuns },
    );
  });

  it('is read back as it was written, whatever the values', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 4 })), (row) => {
        const text = JSON.stringify(row);
        const expected = judgeNaively(text);
        expect(judged(parseRow)(text)).toEqual(plain(expected));
      }),
      { numRuns },
    );
  });
});

const chunkBytes = fc.integer({ min: 1, max: 40 });

describe('a stream of JSON rows', () => {
  it('yields for each NDJSON line what the line alone would', async () => {
    const lines = fc.array(fc.tuple(rowTexts, fc.constantFrom('\n', '\r\n', '\n\n', '\n \r\n')), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(lines, chunkBytes, async (parts, size) => {
        const bytes = Buffer.from(parts.flat().join(''));
        const verdict = await readAll(bytes, { format: { type: 'ndjson' }, chunkBytes: size });
        const texts = parts.map(([text]) => text).filter((text) => text.trim() !== '');
        expectRows(verdict, texts);
      }),
      { numRuns },
    );
  });

  it('yields for each element of a JSON document what the element alone would', async () => {
    // An element whose brackets or quotes do not balance is no element but a broken document.
    const elements = fc.array(rowTexts.filter(isBalanced), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(elements, chunkBytes, async (texts, size) => {
        const bytes = Buffer.from(`{"m":[{"x":"]"}],"d":{"rows":[${texts.join(' ,\n')}]},"n":null}`);
        const format = { type: 'json', path: '/d/rows' } as const;
        const verdict = await readAll(bytes, { format, chunkBytes: size });
        expectRows(verdict, texts);
      }),
      { numRuns },
    );
  });

  it('survives any bytes at all', async () => {
    const anyBytes = fc.uint8Array({ maxLength: 60 });
    const formats = fc.constantFrom<'json' | 'ndjson' | 'csv'>('json', 'ndjson', 'csv');
    await fc.assert(
      fc.asyncProperty(anyBytes, formats, chunkBytes, async (bytes, type, size) => {
        const { failure, unreadable } = await readAll(bytes, { format: { type }, chunkBytes: size });
        expect([undefined, 'give-up']).toContain(failure?.disposition);
        expect(unreadable.every(({ reasons }) => reasons.length === 1)).toBe(true);
      }),
      { numRuns },
    );
  });
});

function expectRows({ records, unreadable, failure }: Awaited<ReturnType<typeof readAll>>, texts: string[]) {
  const verdicts = texts.map(judgeNaively);
  expect(failure).toBeUndefined();
  expect(records.map(({ row }) => plain(row))).toEqual(
    verdicts.flatMap((verdict) => ('row' in verdict ? [plain(verdict.row)] : [])),
  );
  expect(unreadable.length).toBe(verdicts.filter((verdict) => 'refused' in verdict).length);
}

/** One whole JSON value or scalar by its outline. */
function isBalanced(text: string): boolean {
  const outline = text.replace(/"(?:[^"\\]|\\.)*"/g, '_');
  if (/["\\]/.test(outline) || text.trim() === '') return false;
  let depth = 0;
  for (const [index, character] of [...outline].entries()) {
    if (character === '{' || character === '[') depth += 1;
    if (character === '}' || character === ']') depth -= 1;
    if (depth < 0 || (depth === 0 && index < outline.length - 1 && /[\s,:}\]_]/.test(character)))
      return false;
  }
  return depth === 0;
}

import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { readAll } from './read-all.ts';

vi.setConfig({ testTimeout: 120_000 });

const numRuns = 10_000;
const chunkBytes = fc.integer({ min: 1, max: 40 });
const format = { type: 'csv' } as const;

describe('a CSV stream', () => {
  it('is read back as it was written, and as the CSV parser alone reads it', async () => {
    const field = fc.string({
      unit: fc.constantFrom('a', ',', '"', '\n', '\r', '=', ' ', '\u00e9', '\u65e5'),
    });
    const rows = fc.array(fc.tuple(field, field, field), { minLength: 1, maxLength: 6 });
    const lineEnd = fc.constantFrom('\n', '\r\n');
    await fc.assert(
      fc.asyncProperty(rows, lineEnd, chunkBytes, async (written, end, size) => {
        const text = ['a,b,c', ...written.map((row) => row.map(quoted).join(','))].join(end) + end;
        const { records, unreadable, failure } = await readAll(Buffer.from(text), {
          format,
          chunkBytes: size,
        });
        expect(failure).toBeUndefined();
        expect(unreadable).toEqual([]);
        expect(records.map(({ row }) => Object.values(row))).toEqual(written);
        expect(records.map(({ row }) => Object.values(row))).toEqual(
          parse(text, { record_delimiter: end }).slice(1),
        );
      }),
      { numRuns },
    );
  });

  it('is taken apart as the rules say, however broken', async () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', ',', '"', '"', '\n', '\n', '\r', '\r\n'),
      maxLength: 40,
    });
    let sound = 0;
    await fc.assert(
      fc.asyncProperty(text, chunkBytes, async (body, size) => {
        const { records, unreadable, failure } = await readAll(Buffer.from(`x,y\n${body}`), {
          format,
          chunkBytes: size,
        });
        const expected = readNaively(body);
        expect(failure?.code).toBe(expected === undefined ? 'csv-quote-unclosed' : undefined);
        if (expected === undefined) return;
        expect(records.map(({ position, row }) => [position.ordinal, Object.values(row)])).toEqual(
          expected.rows,
        );
        expect(unreadable.map(({ position }) => position.ordinal)).toEqual(expected.faulty);
        sound += expected.rows.length;
      }),
      { numRuns },
    );
    expect(sound).toBeGreaterThan(numRuns / 10);
  });
});

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

const quotedField = '"(?:[^"]|"")*"';
const whole = new RegExp(`^(?:${quotedField}|[^",\\r\\n]*)(?:,(?:${quotedField}|[^",\\r\\n]*))*$`);
const wholeButForReturns = new RegExp(`^(?:${quotedField}|[^",\\n]*)(?:,(?:${quotedField}|[^",\\n]*))*$`);
const stillOpen = new RegExp(`^(?:(?:${quotedField}|[^",\\n]*),)*"(?:[^"]|"")*$`);

/** Tries ever more lines until a regular expression takes them for a record; undefined where none ever does. */
function readNaively(body: string) {
  const lines = body.split('\n');
  const rows: (readonly [number, string[]])[] = [];
  const faulty: number[] = [];
  for (let start = 0; start < lines.length; start += 1) {
    if (lines[start]?.replace(/\r$/, '') === '') continue;
    let end = start;
    const text = () =>
      lines
        .slice(start, end + 1)
        .join('\n')
        .replace(/\r$/, '');
    while (stillOpen.test(text()) && end < lines.length) end += 1;
    if (end === lines.length) return undefined;
    const fields = text().match(new RegExp(`(?<=^|,)(?:${quotedField}|[^",\\n]*)(?=,|$)`, 'g')) ?? [];
    const values = fields.map((field) =>
      field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field,
    );
    if (whole.test(text()) && values.length === 2) rows.push([start + 2, values]);
    else faulty.push(start + 2);
    if (wholeButForReturns.test(text())) start = end;
  }
  return { rows, faulty };
}

import { afterAll, describe, expect, it } from 'vitest';
import type { RecordFormat } from '../../../../shared/etl/records/read-records.ts';
import { bytesOf, type CorpusCase, readCorpus } from './corpus-bytes.ts';
import { plain, readAll, type Verdict } from './read-all.ts';

const files: readonly (readonly [string, RecordFormat, number])[] = [
  ['json.json', { type: 'json' }, 100],
  ['ndjson.json', { type: 'ndjson' }, 50],
  ['csv.json', { type: 'csv' }, 60],
  ['archives.json', { type: 'ndjson' }, 40],
];
const mostMillis = 100;
const objectBefore = Reflect.ownKeys(Object.prototype);
const arrayBefore = Reflect.ownKeys(Array.prototype);

describe.each(files)('the hostile corpus %s', (file, format, least) => {
  const cases = readCorpus(file);

  it(`has at least ${least} cases`, () => {
    expect(cases.length).toBeGreaterThanOrEqual(least);
  });

  it.each(cases.map((each) => [each.name, each] as const))('gets its verdict: %s', async (_, each) => {
    const bytes = bytesOf(each);
    const { verdict, millis } = await readTimed(bytes, { format, ...each });
    expectVerdict(verdict, each);
    expect(millis).toBeLessThan(mostMillis);
    if (bytes.length > 10_000 || each.wholeOnly) return;
    for (const chunkBytes of [1, 7]) {
      expectVerdict(await readAll(bytes, { format, ...each, chunkBytes }), each);
    }
  });
});

afterAll(() => {
  expect(Reflect.ownKeys(Object.prototype)).toEqual(objectBefore);
  expect(Reflect.ownKeys(Array.prototype)).toEqual(arrayBefore);
});

function expectVerdict(verdict: Verdict, expected: CorpusCase): void {
  const { records, unreadable, failure } = verdict;
  expect(failure?.code).toBe(expected.failure);
  expectNoValues(verdict);
  if (expected.failure) {
    expect(failure?.disposition).toBe('give-up');
    return;
  }
  if (expected.looseReasons) {
    expect(records).toEqual([]);
    return;
  }
  expect(unreadable.flatMap(({ reasons }) => reasons.map(({ code }) => code))).toEqual(
    expected.reasons ?? [],
  );
  if (typeof expected.rows === 'number') expect(records.length).toBe(expected.rows);
  else expect(records.map(({ row }) => plain(row))).toEqual(expected.rows);
  if (!expected.ordinals) return;
  expect([...records, ...unreadable].map(({ position }) => position.ordinal)).toEqual(expected.ordinals);
}

/** Messages are written in advance but for numbers: nothing of what was read can appear in them. */
function expectNoValues({ unreadable, failure }: Verdict): void {
  const messages = unreadable.flatMap(({ reasons }) => reasons.map(({ message }) => message));
  for (const message of [...messages, failure?.message ?? '']) {
    expect(message).toMatch(/^[\w ,.;:()+-]*$/);
    expect(message.length).toBeLessThan(200);
  }
}

/** The best of up to three readings, by the clock or by the processor: other work on the machine is not the reader's. */
async function readTimed(bytes: Buffer, options: Parameters<typeof readAll>[1]) {
  let best = Number.POSITIVE_INFINITY;
  let verdict = await readAll(bytes.subarray(0, 0), options);
  for (let attempt = 0; attempt < 3 && best >= mostMillis; attempt += 1) {
    const startedAt = performance.now();
    const usedBefore = process.cpuUsage();
    verdict = await readAll(bytes, options);
    const { user, system } = process.cpuUsage(usedBefore);
    best = Math.min(best, performance.now() - startedAt, (user + system) / 1000);
  }
  return { verdict, millis: best };
}

import { describe, expect, it } from 'vitest';
import { bucketTypes, runInterleavings } from './interleavings/run.ts';

const seed = 20_261_121;

describe(`2,000 random interleavings of workers that crash, resume and have wrong clocks, from seed ${seed}`, () => {
  it.each(bucketTypes)('never ask the CA for more than it counts: %s', async (type) => {
    const tally = await runInterleavings(type, { seed, count: 2000 });
    expect(tally.overIssued).toBe(0);
    // Otherwise nothing was tried.
    expect(tally.crashes).toBeGreaterThan(500);
    expect(tally.emptied).toBeGreaterThan(100);
    expect(tally.counted).toBeGreaterThan(2000);
  });
});

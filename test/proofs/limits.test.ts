import { expect, it } from 'vitest';
import { bucketTypes, runInterleavings } from '../shared/limits/interleavings/run.ts';

const seed = Number(process.env.SEED ?? 1);
const count = 100_000;

it.each(bucketTypes)(
  'no interleaving of a hundred thousand asks the CA for more than it counts: %s',
  async (type) => {
    const tally = await runInterleavings(type, { seed, count });
    console.log(`${type}: seeds ${seed} to ${seed + count - 1}, ${JSON.stringify(tally)}`);
    expect(tally.overIssued).toBe(0);
    expect(tally.emptied).toBeGreaterThan(count / 20);
  },
  900_000,
);

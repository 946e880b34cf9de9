import { describe, expect, it } from 'vitest';
import { findImbalances } from '../../../../shared/etl/books/books.ts';
import { scopeKey } from '../../../../shared/etl/run/scope.ts';
import { createChainWorld, windowOfScene } from '../../../support/chain-world.ts';

const slot = { pipeline: 'orders', scopeKey: scopeKey({ kind: 'window', ...windowOfScene }) };

describe('the chain', () => {
  it('takes a window from its source to the target', async () => {
    const world = createChainWorld({ batchesPerWorker: 2 });
    await world.live();
    expect(world.unexpected).toEqual([]);
    const run = await world.ledger.getRun(slot);
    expect(run).toMatchObject({ state: 'reported' });
    expect(run?.books).toEqual({
      extracted: 72,
      filtered: 9,
      quarantined: 18,
      duplicates: 9,
      staged: 36,
      inserted: 36,
      updated: 0,
      unchanged: 0,
    });
    expect(run?.books && findImbalances(run.books)).toEqual([]);
    expect(world.target.rows()).toHaveLength(36);
    expect(world.reports).toHaveLength(1);
  });
});

import { expect, it } from 'vitest';
import { carry } from '../../../../shared/etl/chain/carry.ts';
import { tick } from '../../../../shared/etl/chain/tick.ts';
import { scopeKey } from '../../../../shared/etl/run/scope.ts';
import { createChainWorld, windowOfScene } from '../../../support/chain-world.ts';

const slot = { pipeline: 'orders', scopeKey: scopeKey({ kind: 'window', ...windowOfScene }) };

it('a function leaves a chunk alone that has come to the stage of another, whose role it has not', async () => {
  const world = createChainWorld();
  // Opened by one tick and planned by another; none of their messages arrives.
  await world.serve((ports, worker) => tick(ports, worker));
  world.clock.advance(600_000);
  await world.serve((ports, worker) => tick(ports, worker));
  const run = await world.ledger.getRun(slot);
  const [chunk] = await world.ledger.listChunks({ pipeline: 'orders', runId: run?.runId ?? '' });
  if (!chunk) throw new Error('the run has no chunk');
  const outcomes: unknown[] = [];
  const ask = (stage: 'extract' | 'transform') =>
    world.serve(async (ports, worker) => {
      outcomes.push(await carry(ports, { ...worker, stage }, chunk));
    });
  await ask('transform');
  await ask('extract');
  // The same event once more, as Lambda may deliver it.
  await ask('extract');
  expect(outcomes).toEqual([
    { kind: 'not-taken', why: 'another-stage' },
    { kind: 'finished', next: 'transform', entered: [] },
    { kind: 'not-taken', why: 'another-stage' },
  ]);
  expect(world.unexpected).toEqual([]);
});

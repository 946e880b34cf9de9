import { describe, expect, it } from 'vitest';
import { countOtherRuns, recoverRuns } from '../../../local/etl/recover-runs.ts';
import { createMemoryRunLedger } from '../../../shared/etl/ledger/ledger.memory.ts';
import type { Run } from '../../../shared/etl/ledger/run.ts';
import { scopeKey } from '../../../shared/etl/run/scope.ts';
import { aChunk, aRun, aWindow, secondsLater } from '../../shared/etl/ledger/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const now = secondsLater(60);
const clock = createFakeClock(now);
const lease = { owner: 'gone', until: secondsLater(900) };

async function recovered(run: Run): Promise<Run | undefined> {
  const ledger = createMemoryRunLedger();
  await ledger.openRun(run);
  await recoverRuns(ledger, run.pipeline, clock);
  return ledger.getRun(run);
}

describe('what an earlier process has left open', () => {
  it.each(['checking', 'extracting', 'loading', 'loaded'] as const)(
    'is due at once where its run is %s, leased or not',
    async (state) => {
      for (const run of [aRun({ state, lease }), aRun({ state, nextActionAt: secondsLater(900) })]) {
        const there = await recovered(run);
        expect(there).toMatchObject({ state, nextActionAt: now });
        expect(there?.lease).toBeUndefined();
      }
    },
  );

  it.each(['held', 'failed'] as const)('is left alone where its run is %s', async (state) => {
    const run = aRun({ state, nextActionAt: secondsLater(900) });
    expect(await recovered(run)).toEqual(run);
  });

  it('is no longer waited for where a chunk rests, or a worker that is gone holds it', async () => {
    const ledger = createMemoryRunLedger();
    const run = await ledger.openRun(aRun({ state: 'extracting' }));
    const chunk = aChunk(run);
    await ledger.addChunks([chunk]);
    const claim = { now: secondsLater(0), until: secondsLater(600) };
    const leased = await ledger.claimChunk(chunk, { owner: 'first', ...claim });
    if (!leased) throw new Error('a new chunk can be claimed');
    const rest = secondsLater(7200);
    await ledger.releaseChunk({ ...leased, restsUntil: rest, nextActionAt: rest });
    await recoverRuns(ledger, 'orders', clock);
    expect(await ledger.getChunk(chunk)).toMatchObject({ restsUntil: undefined, nextActionAt: now });

    expect(await ledger.claimChunk(chunk, { owner: 'gone', now, until: secondsLater(900) })).toBeDefined();
    await recoverRuns(ledger, 'orders', clock);
    const next = await ledger.claimChunk(chunk, { owner: 'next', now, until: secondsLater(900) });
    expect(next?.lease.takenOver).toBe(false);
  });

  it('counts the runs of other windows', async () => {
    const ledger = createMemoryRunLedger();
    const slot = { pipeline: 'orders', scopeKey: scopeKey(aWindow(11)) };
    await ledger.openRun(aRun());
    expect(await countOtherRuns(ledger, slot)).toBe(0);
    for (const hour of [9, 10]) {
      const scope = aWindow(hour);
      await ledger.openRun(aRun({ scope, scopeKey: scopeKey(scope) }));
    }
    expect(await countOtherRuns(ledger, slot)).toBe(2);
  });
});

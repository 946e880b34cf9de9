import { beforeEach, describe, expect, it } from 'vitest';
import type { Chunk } from '../../shared/etl/ledger/chunk.ts';
import type { RunLedger } from '../../shared/etl/ledger/ledger.ts';
import type { Run } from '../../shared/etl/ledger/run.ts';
import { scopeKey } from '../../shared/etl/run/scope.ts';
import {
  aChunk,
  aRun,
  aWindow,
  noon,
  partsOf,
  secondsLater,
  someChunks,
} from '../shared/etl/ledger/builders.ts';

/** What every RunLedger keeps to; `make` answers an empty one. */
export function describeRunLedgerContract(name: string, make: () => Promise<RunLedger>): void {
  describe(`${name} as a RunLedger`, () => {
    let ledger: RunLedger;
    beforeEach(async () => {
      ledger = await make();
    });
    const lease = (owner: string, now: Date = noon) => ({ owner, now, until: secondsLater(60, now) });
    const claim = async (chunk: Chunk, owner: string, now: Date = noon) => {
      const leased = await ledger.claimChunk(chunk, lease(owner, now));
      if (!leased) throw new Error(`${owner} did not get the chunk`);
      return leased;
    };
    const withChunk = async () => {
      const chunk = aChunk(aRun());
      await ledger.addChunks([chunk]);
      return chunk;
    };
    const due = (until: Date, limit = 100) => ledger.findDue({ pipeline: 'orders', until, limit });
    const inWindow = (hour: number, overrides: Partial<Run> = {}) =>
      aRun({ scope: aWindow(hour), scopeKey: scopeKey(aWindow(hour)), ...overrides });

    it('opens one run per scope, and answers that one to everybody who opens another', async () => {
      const [first, second] = [aRun(), aRun()];
      expect(await ledger.openRun(first)).toEqual(first);
      expect(await ledger.openRun(second)).toEqual(first);
      expect(await ledger.openRun(first)).toEqual(first);
      expect(await ledger.getRun(second)).toEqual(first);
    });

    it('knows how far the schedule has opened windows, which never goes back', async () => {
      expect(await ledger.scheduledUntil('orders')).toBeUndefined();
      for (const until of [secondsLater(60), secondsLater(120), secondsLater(60)])
        await ledger.markScheduled('orders', until);
      expect(await ledger.scheduledUntil('orders')).toEqual(secondsLater(120));
      expect(await ledger.scheduledUntil('refunds')).toBeUndefined();
    });

    it('opens one of many runs that are opened at once', async () => {
      const opened = await Promise.all(Array.from({ length: 10 }, () => ledger.openRun(aRun())));
      expect(new Set(opened.map(({ runId }) => runId)).size).toBe(1);
    });

    it('keeps a run whole', async () => {
      const failure = { class: 'poison' as const, code: 'x', at: noon, stage: 'load' as const, chunkId: 'c' };
      const whole = aRun({
        state: 'failed',
        failedIn: 'loading',
        failure,
        heldFor: [{ code: 'certificate-expired', subject: 'client etl', message: 'renew it' }],
        manifestKey: 'm',
        manifestDigest: 'd',
        chunkCount: 3,
        watermark: 'w',
        books: partsOf(1).load,
        quality: { records: 3, nulls: { email: 1 }, violations: { type: 2 }, violating: 1, newestAt: noon },
        committed: { runId: 'earlier', at: noon, watermark: 'v' },
        lease: { owner: 'o', until: noon },
      });
      await ledger.openRun(whole);
      expect(await ledger.getRun(whole)).toEqual(whole);
    });

    it('keeps runs that replay too', async () => {
      const scope = { kind: 'replay' as const, loadId: 'ab', round: 1, of: 'window/x' };
      const run = aRun({ scope, scopeKey: scopeKey(scope) });
      await ledger.openRun(run);
      expect(await ledger.getRun(run)).toEqual(run);
      expect(await ledger.lastCommit('orders')).toBeUndefined();
    });

    it('knows no run nobody opened', async () => {
      expect(await ledger.getRun(aRun())).toBeUndefined();
      expect(await ledger.replaceRun(aRun({ version: 2 }))).toBe(false);
    });

    it('lets one of two writers write a version', async () => {
      const run = await ledger.openRun(aRun());
      const next = (manifestKey: string) => ledger.replaceRun({ ...run, version: 2, manifestKey });
      expect((await Promise.all([next('a'), next('b')])).toSorted()).toEqual([false, true]);
      expect(await next('c')).toBe(false);
    });

    it('answers the commit of the latest window that has one', async () => {
      const commit = (runId: string) => ({ runId, at: noon, watermark: `w-${runId}` });
      expect(await ledger.lastCommit('orders')).toBeUndefined();
      await ledger.openRun(inWindow(9, { committed: commit('ninth') }));
      await ledger.openRun(inWindow(8, { committed: commit('eighth') }));
      for (let hour = 10; hour < 23; hour += 1) await ledger.openRun(inWindow(hour));
      await ledger.openRun(inWindow(12, { pipeline: 'other', committed: commit('other') }));
      expect(await ledger.lastCommit('orders')).toEqual(commit('ninth'));
    });

    it('adds chunks once and lists them by their place', async () => {
      const chunks = someChunks(aRun(), 12);
      await ledger.addChunks(chunks.toReversed());
      const [first] = chunks;
      if (!first) throw new Error('no chunk');
      await ledger.releaseChunk({ ...(await claim(first, 'a')), stage: 'load' });
      await ledger.addChunks(chunks);
      expect(await ledger.listChunks(first)).toEqual([
        { ...first, stage: 'load', nextActionAt: secondsLater(60) },
        ...chunks.slice(1),
      ]);
      expect(await ledger.listChunks({ pipeline: 'orders', runId: 'other' })).toEqual([]);
    });

    it('keeps a chunk whole', async () => {
      const chunk = await withChunk();
      const results = {
        extract: { books: partsOf(0).extract, outKey: 'k', outDigest: 'd' },
        transform: {
          books: partsOf(0).transform,
          quality: { records: 3, nulls: { email: 1 }, violations: {}, violating: 0, newestAt: noon },
        },
      };
      const written = {
        stage: 'transform' as const,
        phase: 'settling' as const,
        results,
        tries: { failures: 1, throttles: 2 },
        vanished: 1,
        checkpoint: 'row 7',
        failure: { class: 'transient' as const, code: 'x', at: noon },
        restsUntil: secondsLater(5),
        nextActionAt: secondsLater(6),
      };
      await ledger.releaseChunk({ ...(await claim(chunk, 'a')), ...written });
      expect(await ledger.getChunk(chunk)).toEqual({ ...chunk, ...written });
    });

    it('gives the lease to one of many claimants', async () => {
      const chunk = await withChunk();
      const owners = Array.from({ length: 10 }, (_, index) => `w${index}`);
      const claims = await Promise.all(owners.map((owner) => ledger.claimChunk(chunk, lease(owner))));
      expect(claims.filter(Boolean)).toHaveLength(1);
    });

    it('lets an expired lease be taken over, and refuses the late owner every write', async () => {
      const chunk = await withChunk();
      const late = await claim(chunk, 'late');
      expect(late.lease.takenOver).toBe(false);
      expect(await ledger.claimChunk(chunk, lease('early', secondsLater(59)))).toBeUndefined();
      const next = await claim(chunk, 'next', secondsLater(60));
      expect(next.lease).toMatchObject({ takenOver: true, fence: late.lease.fence + 1 });
      await expect(ledger.saveChunk(late)).rejects.toMatchObject({ code: 'lease-lost' });
      await expect(ledger.releaseChunk(late)).rejects.toMatchObject({ code: 'lease-lost' });
      await ledger.saveChunk({ ...next, checkpoint: 'here' });
      expect(await ledger.getChunk(chunk)).toMatchObject({ checkpoint: 'here' });
    });

    it('answers a claim that was repeated by its own owner', async () => {
      const chunk = await withChunk();
      const first = await claim(chunk, 'a');
      expect((await claim(chunk, 'a')).lease.fence).toBeGreaterThan(first.lease.fence);
    });

    it('keeps the lease on save, may lengthen it, and ends it on release', async () => {
      const chunk = await withChunk();
      const held = await claim(chunk, 'a');
      await ledger.saveChunk({ ...held, lease: { ...held.lease, until: secondsLater(300) } });
      expect(await ledger.claimChunk(chunk, lease('b', secondsLater(299)))).toBeUndefined();
      await ledger.releaseChunk(held);
      expect((await claim(chunk, 'b')).lease.takenOver).toBe(false);
    });

    it('gives nobody a chunk that rests, is done, or does not exist', async () => {
      const chunk = await withChunk();
      await ledger.releaseChunk({ ...(await claim(chunk, 'a')), restsUntil: secondsLater(10) });
      expect(await ledger.claimChunk(chunk, lease('b', secondsLater(9)))).toBeUndefined();
      await ledger.releaseChunk({ ...(await claim(chunk, 'b', secondsLater(10))), phase: 'done' });
      expect(await ledger.claimChunk(chunk, lease('c', secondsLater(999)))).toBeUndefined();
      expect(await ledger.claimChunk({ ...chunk, chunkId: 'none' }, lease('c'))).toBeUndefined();
      expect(await ledger.getChunk({ ...chunk, chunkId: 'none' })).toBeUndefined();
    });

    it('counts a chunk once per stage however often it is said, for each run apart', async () => {
      const chunk = { pipeline: 'orders', runId: 'r1', ordinal: 0 };
      expect(await ledger.finishedCount(chunk, 'load')).toBe(0);
      expect(await ledger.countFinished(chunk, 'load')).toBe(1);
      expect(await ledger.countFinished(chunk, 'load')).toBe(1);
      expect(await ledger.countFinished({ ...chunk, runId: 'r2' }, 'load')).toBe(1);
      expect(await ledger.countFinished(chunk, 'extract')).toBe(1);
      const more = Array.from({ length: 20 }, (_, ordinal) =>
        ledger.countFinished({ ...chunk, ordinal }, 'load'),
      );
      expect(Math.max(...(await Promise.all(more)))).toBe(20);
      expect(await ledger.finishedCount(chunk, 'load')).toBe(20);
    });

    it('finds runs and chunks whose time has come, oldest first, as many as are asked for', async () => {
      const run = aRun({ nextActionAt: secondsLater(30) });
      await ledger.openRun(run);
      const chunk = aChunk(run);
      await ledger.addChunks([chunk]);
      expect(await due(secondsLater(29))).toEqual([]);
      const { pipeline, scopeKey: key, runId, chunkId } = chunk;
      const dueRun = {
        kind: 'run',
        pipeline,
        scopeKey: key,
        state: 'checking',
        nextActionAt: secondsLater(30),
      };
      const dueChunk = {
        kind: 'chunk',
        pipeline,
        runId,
        chunkId,
        stage: 'extract',
        nextActionAt: secondsLater(120),
      };
      expect(await due(secondsLater(120))).toEqual([dueRun, dueChunk]);
      expect(await due(secondsLater(120), 1)).toEqual([dueRun]);
      expect(await ledger.findDue({ pipeline: 'other', until: secondsLater(999), limit: 9 })).toEqual([]);
    });

    it('has a claimed chunk due when the lease ends, and a parked or finished one never', async () => {
      const chunk = await withChunk();
      const held = await claim(chunk, 'a');
      expect(await due(secondsLater(59))).toEqual([]);
      expect(await due(secondsLater(60))).toHaveLength(1);
      await ledger.releaseChunk({ ...held, nextActionAt: undefined });
      expect(await due(secondsLater(9999))).toEqual([]);
      await claim(chunk, 'b');
      expect(await due(secondsLater(60))).toHaveLength(1);
    });

    it('has a run that ended due no more', async () => {
      const run = await ledger.openRun(aRun());
      await ledger.replaceRun({ ...run, version: 2, state: 'reported', nextActionAt: undefined });
      expect(await due(secondsLater(9999))).toEqual([]);
    });

    it('postpones what is due for the one caller that saw it unchanged', async () => {
      const run = await ledger.openRun(aRun());
      await ledger.addChunks([aChunk(run)]);
      for (const work of await due(secondsLater(120))) {
        const postpone = () => ledger.postpone(work, secondsLater(500));
        expect((await Promise.all([postpone(), postpone()])).toSorted()).toEqual([false, true]);
      }
      expect(await due(secondsLater(499))).toEqual([]);
      expect(await due(secondsLater(500))).toHaveLength(2);
    });
  });
}

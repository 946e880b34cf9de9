import { describe, expect, it } from 'vitest';
import type { Threshold } from '../../../../shared/etl/books/quality.ts';
import { type ChunkWork, carryChunk } from '../../../../shared/etl/ledger/carry-chunk.ts';
import { createMemoryRunLedger } from '../../../../shared/etl/ledger/ledger.memory.ts';
import { changeRun, claimRun, openRun, settleFailure } from '../../../../shared/etl/ledger/open-run.ts';
import { fixManifest, writeChunks } from '../../../../shared/etl/ledger/plan-run.ts';
import { type Run, type RunState, runStates } from '../../../../shared/etl/ledger/run.ts';
import { runTransitions, stateAfter } from '../../../../shared/etl/ledger/run-transitions.ts';
import { failRun, tendRun } from '../../../../shared/etl/ledger/tend-run.ts';
import { Failure } from '../../../../shared/runtime/errors.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { createSeededRandom } from '../../../support/seeded-random.ts';
import { aManifest, aPlan, noon, partsOf, secondsLater } from './builders.ts';

const goodWork: ChunkWork = async ({ ordinal, stage }) => ({ books: partsOf(ordinal)[stage] });

function aScene(thresholds: readonly Threshold[] = []) {
  const clock = createFakeClock(noon);
  const ledger = createMemoryRunLedger();
  const ports = { ledger, clock, random: createSeededRandom(9), thresholds };
  let owners = 0;
  const open = (existing: 'leave' | 'resume' | 'supersede' = 'leave', overrides = {}) =>
    openRun(ports, aPlan(overrides), existing);
  const read = async (run: Run) => (await ledger.getRun(run)) ?? run;
  return {
    ...ports,
    ports,
    open,
    read,
    async plan(count: number): Promise<Run> {
      const { run } = await open();
      const manifest = aManifest(run.runId, count);
      const planned = await fixManifest(ports, run, { manifest, manifestKey: 'm', watermark: 'w1' });
      return writeChunks(ports, planned, manifest);
    },
    async carry(run: Run, work: ChunkWork, index = 0) {
      const chunk = (await ledger.listChunks(run))[index];
      if (!chunk) throw new RangeError(`no chunk ${index}`);
      return carryChunk({ ...ports, owner: `w${owners++}`, leaseSeconds: 60 }, chunk, work);
    },
    async carryAll(run: Run, work: ChunkWork = goodWork) {
      for (const stage of ['extract', 'transform', 'load'])
        for (const chunk of await ledger.listChunks(run))
          if (chunk.stage === stage) await this.carry(run, work, chunk.ordinal);
      return read(run);
    },
  };
}

const terminal = { class: 'terminal' as const, code: 'credentials-refused', at: noon };

describe('the transitions of a run', () => {
  it('lead from every state to an end, and from the ends back only by a person', () => {
    const forward = (state: RunState) => Object.entries(runTransitions[state].on);
    for (const state of runStates)
      for (const [event, next] of forward(state)) expect(runStates, `${state} ${event}`).toContain(next);
    expect(Object.keys(runTransitions.reported.on)).toEqual(['superseded']);
    expect(Object.keys(runTransitions.failed.on).sort()).toEqual(['resumed', 'superseded']);
    expect(Object.keys(runTransitions.loaded.on)).toEqual(['reported', 'failed']);
  });

  it('bring a resumed run back to where it failed', () => {
    expect(stateAfter({ state: 'failed', failedIn: 'loading' }, 'resumed')).toBe('loading');
    expect(stateAfter({ state: 'failed' }, 'resumed')).toBe('checking');
    expect(stateAfter({ state: 'extracting' }, 'reported')).toBeUndefined();
  });
});

describe('opening a run', () => {
  it('does nothing the second time', async () => {
    const scene = aScene();
    const first = await scene.open();
    expect(first.kind).toBe('opened');
    expect(await scene.open()).toEqual({ kind: 'exists', run: first.run });
  });

  it('opens another for another window, another pipeline, and a replay', async () => {
    const scene = aScene();
    const replay = { scope: { kind: 'replay', loadId: 'ab', round: 1, of: 'window/x' } };
    for (const other of [{}, { pipeline: 'refunds' }, replay])
      expect((await scene.open('leave', other)).kind).toBe('opened');
  });

  it('leaves a failed run alone unless a person says otherwise, and then resumes it where it stopped', async () => {
    const scene = aScene();
    const run = await scene.plan(2);
    await failRun(scene.ports, run, terminal);
    expect((await scene.open()).kind).toBe('exists');
    const resumed = await scene.open('resume');
    expect(resumed).toMatchObject({ kind: 'resumed', run: { runId: run.runId, state: 'extracting' } });
    expect(resumed.run.failure).toBeUndefined();
    expect((await scene.carryAll(run)).state).toBe('loaded');
  });

  it('supersedes a failed or reported run by a new one with the same load id and the commit so far', async () => {
    const scene = aScene();
    const run = await scene.plan(1);
    const loaded = await scene.carryAll(run);
    const leased = await claimRun(scene.ports, run, { owner: 'r', until: secondsLater(60) });
    if (!leased) throw new Error('nobody reports the run');
    await changeRun(scene.ports, leased, { event: 'reported' });
    const { kind, run: next } = await scene.open('supersede', { configHash: 'decaf' });
    expect(kind).toBe('superseded');
    expect(next.runId).not.toBe(run.runId);
    expect(next).toMatchObject({
      state: 'checking',
      loadId: run.loadId,
      configHash: 'decaf',
      committed: loaded.committed,
    });
    expect(await scene.ledger.lastCommit('orders')).toEqual(loaded.committed);
    await failRun(scene.ports, next, terminal);
    expect((await scene.open('supersede')).kind).toBe('superseded');
  });

  it('neither resumes nor supersedes a run that goes on', async () => {
    const scene = aScene();
    await scene.plan(1);
    await expect(scene.open('resume')).rejects.toMatchObject({ code: 'run-not-ready' });
    await expect(scene.open('supersede')).rejects.toMatchObject({ code: 'run-not-ready' });
  });

  it('has a held run checked again on request', async () => {
    const scene = aScene();
    const { run } = await scene.open();
    const lookAgainAt = secondsLater(3600);
    const details = {
      heldFor: [{ code: 'certificate-expired', subject: 'client etl', message: 'renew it' }],
    };
    const held = await changeRun(scene.ports, run, { event: 'held', details, nextActionAt: lookAgainAt });
    expect(held).toMatchObject({ state: 'held', nextActionAt: lookAgainAt, ...details });
    const { run: checked } = await scene.open('resume');
    expect(checked.state).toBe('checking');
    expect(checked.heldFor).toBeUndefined();
  });
});

describe('a run being checked or reported', () => {
  it('belongs to one worker until its lease ends, whose writes are refused afterwards', async () => {
    const scene = aScene();
    const { run } = await scene.open();
    const first = await claimRun(scene.ports, run, { owner: 'a', until: secondsLater(60) });
    if (!first) throw new Error('nobody has the run');
    expect(await claimRun(scene.ports, run, { owner: 'b', until: secondsLater(60) })).toBeUndefined();
    scene.clock.advance(60_000);
    const second = await claimRun(scene.ports, run, { owner: 'b', until: secondsLater(120) });
    expect(second?.lease?.owner).toBe('b');
    await expect(changeRun(scene.ports, first, { event: 'held' })).rejects.toMatchObject({
      code: 'run-contended',
    });
  });

  it('is not claimed while its chunks are worked on, nor where it does not exist', async () => {
    const scene = aScene();
    const run = await scene.plan(1);
    const lease = { owner: 'a', until: secondsLater(60) };
    expect(await claimRun(scene.ports, run, lease)).toBeUndefined();
    expect(await claimRun(scene.ports, { ...run, scopeKey: 'none' }, lease)).toBeUndefined();
  });
});

describe('planning a run', () => {
  it('lets one of two planners fix the manifest, and writes no other', async () => {
    const scene = aScene();
    const { run } = await scene.open();
    const manifest = aManifest(run.runId, 2);
    const planned = await fixManifest(scene.ports, run, { manifest, manifestKey: 'm' });
    const other = aManifest(run.runId, 3);
    await expect(fixManifest(scene.ports, run, { manifest: other, manifestKey: 'n' })).rejects.toMatchObject({
      code: 'run-contended',
    });
    await expect(writeChunks(scene.ports, planned, other)).rejects.toMatchObject({
      code: 'manifest-exchanged',
    });
  });

  it('has a run without chunks loaded at once, with its watermark', async () => {
    const scene = aScene();
    expect(await scene.plan(0)).toMatchObject({ state: 'loaded', committed: { watermark: 'w1' } });
  });
});

describe('carrying chunks', () => {
  it('moves the watermark only when all of them are in the target', async () => {
    const scene = aScene();
    const run = await scene.plan(2);
    for (const _ of ['extract', 'transform']) await scene.carry(run, goodWork, 0);
    expect((await scene.carry(run, goodWork, 0)).kind).toBe('not-taken');
    for (const _ of ['extract', 'transform']) await scene.carry(run, goodWork, 1);
    await scene.carry(run, goodWork, 0);
    expect(await scene.ledger.lastCommit('orders')).toBeUndefined();
    expect((await scene.read(run)).state).toBe('loading');
    expect(await scene.carry(run, goodWork, 1)).toEqual({
      kind: 'finished',
      next: undefined,
      entered: ['loaded'],
    });
    expect(await scene.ledger.lastCommit('orders')).toMatchObject({ runId: run.runId, watermark: 'w1' });
  });

  it('gives the next stage the chunk with what was done to it and where it stopped', async () => {
    const scene = aScene();
    const run = await scene.plan(1);
    expect(await scene.carry(run, async () => ({ checkpoint: 'page 7' }))).toEqual({
      kind: 'paused',
      why: 'out-of-time',
    });
    const result = { books: partsOf(0).extract, outKey: 'k', outDigest: 'd' };
    const done = await scene.carry(run, async ({ checkpoint }) => {
      expect(checkpoint).toBe('page 7');
      return result;
    });
    expect(done).toEqual({ kind: 'finished', next: 'transform', entered: ['transforming'] });
    await scene.carry(run, async ({ stage, results, checkpoint }) => {
      expect({ stage, results, checkpoint }).toEqual({
        stage: 'transform',
        results: { extract: result },
        checkpoint: undefined,
      });
      return { books: partsOf(0).transform };
    });
  });

  it('counts a stop without progress as a failure', async () => {
    const scene = aScene();
    const run = await scene.plan(1);
    const stuck: ChunkWork = async () => ({ checkpoint: 'page 7' });
    await scene.carry(run, stuck);
    expect((await scene.carry(run, stuck)).kind).toBe('retry');
  });

  it('fails the run after three retries, keeping codes and no words', async () => {
    const scene = aScene();
    const run = await scene.plan(1);
    const refused: ChunkWork = async () => {
      throw new Failure({ code: 'source-reset', disposition: 'retry', message: 'row jane@example.com' });
    };
    for (let tries = 0; tries < 3; tries += 1) {
      expect((await scene.carry(run, refused)).kind).toBe('retry');
      expect((await scene.carry(run, refused)).kind).toBe('not-taken');
      scene.clock.advance(1000_000);
    }
    const failure = { class: 'transient', code: 'source-reset', stage: 'extract' };
    expect(await scene.carry(run, refused)).toMatchObject({ kind: 'failed', failure });
    const failed = await scene.read(run);
    expect(failed).toMatchObject({ state: 'failed', failedIn: 'extracting', failure });
    const kept = JSON.stringify([failed, await scene.ledger.listChunks(run)]);
    expect(kept).not.toContain('jane');
    const due = () => scene.ledger.findDue({ pipeline: 'orders', until: new Date(8.64e15), limit: 9 });
    expect((await due()).map(({ kind }) => kind)).toEqual(['run']);
    expect(await settleFailure(scene.ports, failed)).toBe(true);
    expect(await due()).toEqual([]);
  });

  it('stops giving a chunk to workers that vanish with it', async () => {
    const scene = aScene();
    const run = await scene.plan(1);
    const [chunk] = await scene.ledger.listChunks(run);
    if (!chunk) throw new Error('no chunk');
    for (let worker = 0; worker < 6; worker += 1) {
      const ports = { ...scene.ports, owner: `doomed ${worker}`, leaseSeconds: 60 };
      void carryChunk(ports, chunk, () => new Promise(() => {}));
      await new Promise((resolve) => setImmediate(resolve));
      scene.clock.advance(60_000);
    }
    expect(await scene.carry(run, goodWork)).toMatchObject({
      kind: 'failed',
      failure: { code: 'workers-vanish' },
    });
  });

  it('works on nothing of a run that has failed or was superseded, and parks what it finds', async () => {
    const scene = aScene();
    const run = await scene.plan(2);
    await failRun(scene.ports, run, terminal);
    const never: ChunkWork = async () => {
      throw new Error('worked');
    };
    expect((await scene.carry(run, never, 0)).kind).toBe('not-taken');
    await scene.open('supersede');
    expect((await scene.carry(run, never, 1)).kind).toBe('not-taken');
    expect(await tendRun(scene.ports, run)).toEqual([]);
    const due = await scene.ledger.findDue({ pipeline: 'orders', until: new Date(8.64e15), limit: 9 });
    expect(due.map(({ kind }) => kind)).toEqual(['run']);
  });

  it('leaves a chunk to whoever has taken it over', async () => {
    const scene = aScene();
    const run = await scene.plan(1);
    const slow: ChunkWork = async (chunk) => {
      scene.clock.advance(60_000);
      await scene.carry(run, goodWork);
      return goodWork(chunk, run);
    };
    await expect(scene.carry(run, slow)).rejects.toMatchObject({ code: 'lease-lost' });
    expect((await scene.ledger.listChunks(run))[0]).toMatchObject({ stage: 'transform', phase: 'pending' });
  });
});

describe('the last chunk', () => {
  it.each([
    ['transforming', 'extract', 'extracted'],
    ['loading', 'load', 'inserted'],
  ] as const)(
    'fails the run while it is %s when %s has one %s too many, and commits nothing',
    async (failedIn, stage, count) => {
      const scene = aScene();
      const run = await scene.plan(2);
      let loads = 0;
      const lossy: ChunkWork = async (chunk) => {
        if (chunk.stage === 'load') loads += 1;
        const books = partsOf(chunk.ordinal)[chunk.stage];
        return { books: chunk.stage === stage ? { ...books, [count]: books[count] + 1 } : books };
      };
      const failed = await scene.carryAll(run, lossy);
      expect(failed).toMatchObject({ state: 'failed', failedIn, failure: { code: 'books-unbalanced' } });
      expect(loads).toBe(stage === 'load' ? 2 : 0);
      expect(failed.committed).toBeUndefined();
      expect(await scene.ledger.lastCommit('orders')).toBeUndefined();
    },
  );

  it('commits nothing when a threshold of quality that fails is broken, and does when it only warns', async () => {
    for (const [action, state] of [
      ['fail', 'failed'],
      ['warn', 'loaded'],
    ] as const) {
      const scene = aScene([{ metric: 'null-rate', column: 'email', max: 0.1, action }]);
      const nulls: ChunkWork = async ({ ordinal, stage }) => ({
        books: partsOf(ordinal)[stage],
        ...(stage === 'transform' && {
          quality: { records: 10, nulls: { email: 2 }, violations: {}, violating: 0 },
        }),
      });
      const run = await scene.carryAll(await scene.plan(2), nulls);
      expect(run.state).toBe(state);
      expect(run.quality).toMatchObject({ records: 20, nulls: { email: 4 } });
    }
  });
});

import { describe, expect, it } from 'vitest';
import { carry } from '../../../../shared/etl/chain/carry.ts';
import { requestRuns } from '../../../../shared/etl/chain/request-runs.ts';
import type { Stage } from '../../../../shared/etl/ledger/run.ts';
import type { EtlReport } from '../../../../shared/etl/report/etl-report.ts';
import { tellPeople, throwMissed } from '../../../../shared/etl/report/tell-people.ts';
import { createMemoryRunStore } from '../../../../shared/report/runs.memory.ts';
import type { Failure } from '../../../../shared/runtime/errors.ts';
import { createChainWorld } from '../../../support/chain-world.ts';
import { aChainDefinition, createSceneSource } from '../../../support/etl-orders.ts';
import { besideOf, createTroubledSource, failing, keysOf, request, slotAt, windowAt } from './scene.ts';

/** A world of one chunk whose stage fails `times`. */
function aTroubledWorld(stage: Stage, failure: Failure, times = 1) {
  let attempts = 0;
  const trouble = async () => {
    attempts += 1;
    if (attempts <= times) throw failure;
  };
  const source = createTroubledSource(failure, stage === 'extract' ? times : 0);
  const world = createChainWorld({
    source,
    targets: (table) => [
      {
        ...table,
        load: async (load) => {
          if (stage === 'load') await trouble();
          return table.load(load);
        },
      },
    ],
  });
  return { world, source, attemptsOf: () => (stage === 'extract' ? source.attempts : attempts) };
}

const noRun = { pipeline: 'orders', runId: 'none' };
const aRequest = (existing: 'leave' | 'supersede') => ({
  pipeline: 'orders',
  window: windowAt(0),
  existing,
});

const heard = (reports: readonly EtlReport[]) =>
  reports.map(({ status, errors }) => [status, ...errors.map(({ code }) => code)].join(' '));

describe.each<Stage>(['extract', 'load'])('a chunk that fails in %s', (stage) => {
  it('for good fails its run, of which people hear once, and goes on where a person resumes it', async () => {
    const { world, attemptsOf } = aTroubledWorld(stage, failing('give-up'));
    const failed = await world.until(slotAt(), ['failed']);
    expect(failed).toMatchObject({ failure: { code: 'made-to-fail', stage, class: 'terminal' } });
    for (let turn = 0; turn < 10; turn += 1) {
      world.clock.advance(60_000);
      await world.tick();
    }
    expect(heard(world.reports)).toEqual(['failed made-to-fail']);
    expect(attemptsOf()).toBe(1);
    await request(world, 'resume');
    await world.until(slotAt(), ['reported']);
    expect((await world.ledger.getRun(slotAt()))?.runId).toBe(failed.runId);
    expect(heard(world.reports)).toEqual(['failed made-to-fail', 'succeeded']);
    expect(world.target.rows()).toHaveLength(4);
  });

  it('in passing is tried three times more', async () => {
    const { world, attemptsOf } = aTroubledWorld(stage, failing('retry'), 3);
    await world.until(slotAt(), ['reported']);
    expect(attemptsOf()).toBe(4);
    const hopeless = aTroubledWorld(stage, failing('retry'), 4);
    expect(await hopeless.world.until(slotAt(), ['failed'])).toMatchObject({
      failure: { class: 'transient', stage },
    });
  });

  it('because it is throttled waits as long as it is asked to, without using up a try', async () => {
    const { world, attemptsOf } = aTroubledWorld(stage, failing('retry-after', 'throttled', 300), 8);
    const began = world.clock.now().getTime();
    await world.until(slotAt(), ['reported', 'failed']);
    expect(await world.ledger.getRun(slotAt())).toMatchObject({ state: 'reported' });
    expect(attemptsOf()).toBe(9);
    expect(world.clock.now().getTime() - began).toBeGreaterThan(8 * 300_000);
  });

  it('because nothing can be made of it fails its run as poisoned', async () => {
    const { world } = aTroubledWorld(stage, failing('quarantine', 'part-broken'));
    const failure = { class: 'poison', code: 'part-broken', stage };
    expect(await world.until(slotAt(), ['failed'])).toMatchObject({ failure });
  });

  it('leaves what it has read where it is superseded, and none of it afterwards', async () => {
    const { world } = aTroubledWorld(stage, failing('give-up'));
    const failed = await world.until(slotAt(), ['failed']);
    expect(await request(world, 'supersede')).toMatchObject([{ kind: 'superseded' }]);
    const done = await world.until(slotAt(), ['reported']);
    expect(done.runId).not.toBe(failed.runId);
    expect(world.target.rows()).toHaveLength(4);
    expect(await keysOf(world.buckets.quarantine, `orders/${failed.loadId}/${failed.runId}/`)).toEqual([]);
    expect(await world.ledger.findDue({ pipeline: 'orders', until: done.openedAt, limit: 9 })).toEqual([]);
  });
});

describe('a chunk whose worker has been overtaken', () => {
  it('does not fail the run by what happens to that worker', async () => {
    let isLate = true;
    const world = createChainWorld({
      targets: (table) => [
        {
          ...table,
          async load(load) {
            if (!isLate) return table.load(load);
            isLate = false;
            world.clock.advance(61_000);
            // Another takes the chunk and loads it, while the run still waits for other chunks.
            await world.serve((ports, worker) => carry(ports, worker, load.chunk));
            throw failing('give-up', 'load-superseded');
          },
        },
      ],
    });
    await world.until(slotAt(), ['reported']);
    expect(world.states).not.toContain('failed');
  });

  it('is sent to nobody any more once its run was superseded', async () => {
    let isBroken = true;
    const source = createSceneSource({ chunks: 3, records: 8, batch: 4 });
    const world = createChainWorld({
      source: {
        ...source,
        async *read(slice) {
          if (isBroken) throw failing('give-up');
          yield* source.read(slice);
        },
      },
    });
    await world.serve((ports, worker) => requestRuns(ports, worker, aRequest('leave')));
    // The other messages are lost, so that nobody parks their chunks.
    world.messages.length = 1;
    await world.deliver();
    const failed = await world.ledger.getRun(slotAt());
    expect(failed).toMatchObject({ state: 'failed' });
    isBroken = false;
    await request(world, 'supersede');
    await world.until(slotAt(), ['reported']);
    world.clock.advance(120_000);
    await world.tick();
    const due = await world.ledger.findDue({ pipeline: 'orders', until: new Date(8.64e15), limit: 99 });
    expect(due.filter((each) => each.kind === 'chunk' && each.runId === failed?.runId)).toEqual([]);
  });
});

describe('a library that makes something of its own of a deadline', () => {
  it('has the chunk tried again', async () => {
    const deadline = failing('retry', 'deadline');
    const source = createSceneSource({ chunks: 1, records: 8, batch: 4 });
    const stop = new AbortController();
    const world = createChainWorld({
      source: {
        ...source,
        read: () => {
          stop.abort(deadline);
          throw new DOMException('This operation was aborted', 'AbortError');
        },
      },
    });
    await world.serve((ports, worker) => requestRuns(ports, worker, aRequest('leave')));
    const [chunk] = await world.ledger.listChunks((await world.ledger.getRun(slotAt())) ?? noRun);
    if (!chunk) throw new Error('no chunk');
    await world.serve((ports, worker) =>
      carry(ports, { ...worker, deadline: { ...worker.deadline, signal: stop.signal } }, chunk),
    );
    expect(await world.ledger.getChunk(chunk)).toMatchObject({
      failure: { code: 'deadline', class: 'transient' },
      tries: { failures: 1 },
    });
  });
});

describe('a run that has failed in checking', () => {
  it('is told of, and checked again where a person resumes it', async () => {
    let isBroken = true;
    const world = createChainWorld({
      beforeGate: async () => {
        if (isBroken) throw failing('give-up', 'credential-missing');
      },
    });
    expect(await world.until(slotAt(), ['failed'])).toMatchObject({ failedIn: 'checking' });
    world.clock.advance(120_000);
    await world.tick();
    expect(heard(world.reports)).toEqual(['failed credential-missing']);
    isBroken = false;
    expect(await request(world, 'resume')).toMatchObject([{ kind: 'resumed', state: 'extracting' }]);
    await world.until(slotAt(), ['reported']);
  });
});

describe('quality that forbids a load', () => {
  const strict = (quarantine: Record<string, unknown>) => aChainDefinition({ quarantine });

  it.each([
    [{ failOn: 'first' }, 'failed'],
    [{ failOn: 'count', maxCount: 17 }, 'failed'],
    [{ failOn: 'count', maxCount: 18 }, 'reported'],
    [{ failOn: 'percent', maxPercent: 24 }, 'failed'],
    [{ failOn: 'percent', maxPercent: 25 }, 'reported'],
    [{ failOn: 'never' }, 'reported'],
  ] as const)('by the quarantine policy %o ends as %s', async (quarantine, state) => {
    const world = createChainWorld({ definition: strict(quarantine) });
    expect(await world.until(slotAt(), ['failed', 'reported'])).toMatchObject({ state });
    expect(world.target.rows()).toHaveLength(state === 'failed' ? 0 : 36);
  });

  it('forbids it as well when the run is resumed, and not when it is superseded by another definition', async () => {
    const world = createChainWorld({ definition: strict({ failOn: 'first' }) });
    expect(await world.until(slotAt(), ['failed'])).toMatchObject({
      failedIn: 'transforming',
      failure: { code: 'quality-below-threshold' },
    });
    await request(world, 'resume');
    await world.tick();
    expect(await world.ledger.getRun(slotAt())).toMatchObject({ state: 'failed' });
    expect(world.target.rows()).toEqual([]);
    world.catalogue.set('orders', strict({ failOn: 'never' }));
    await request(world, 'supersede');
    await world.until(slotAt(), ['reported']);
    expect(world.target.rows()).toHaveLength(36);
  });
});

describe('people who cannot be told', () => {
  const store = createMemoryRunStore();
  const tellBy =
    (fails: () => Failure | undefined) =>
    async (report: EtlReport): Promise<void> => {
      const channel = {
        name: `mail ${report.runId}`,
        report: async () => {
          const failure = fails();
          if (failure) throw failure;
        },
      };
      const ports = { channels: [channel], store, clock: { now: () => new Date() } };
      const { signal } = new AbortController();
      throwMissed(await tellPeople({ ...ports, signal }, report, { owner: 'data@example.com' }));
    };

  it('are told when they can be, of a run that stays loaded and is finished and proved once', async () => {
    let isDown = true;
    const finished: string[] = [];
    const finish = async ({ runId }: { runId: string }) => void finished.push(runId);
    const world = createChainWorld({
      targets: (table) => [table, besideOf({ finish })],
      beforeTelling: tellBy(() => (isDown ? failing('retry', 'smtp-unavailable') : undefined)),
    });
    await world.until(slotAt(), ['loaded']);
    // Long enough for so many others that the audit chain would not recognise what it is told again.
    for (let turn = 0; turn < 60; turn += 1) {
      world.clock.advance(600_000);
      await world.tick();
    }
    expect(await world.ledger.getRun(slotAt())).toMatchObject({ state: 'loaded' });
    isDown = false;
    await world.until(slotAt(), ['reported']);
    const kinds = (await Array.fromAsync(world.audit.read('orders', 0)))
      .filter(({ facts }) => facts.scope === slotAt().scopeKey)
      .map(({ kind }) => kind);
    expect(kinds).toEqual(['raw-erased', 'committed', 'record-signed']);
    expect(new Set(finished).size).toBe(finished.length);
  });

  it('because their channel refuses for good do not keep the run from its end', async () => {
    const refusing = tellBy(() => failing('give-up', 'smtp-credentials-refused'));
    const world = createChainWorld({ beforeTelling: refusing });
    await world.until(slotAt(), ['reported']);
  });
});

describe('a load that cannot be finished', () => {
  it('fails the run, of which people hear, and goes on where a person resumes it', async () => {
    let isBroken = true;
    const finish = async () => {
      if (isBroken) throw failing('give-up', 'aggregation-refused');
    };
    const world = createChainWorld({ targets: (table) => [table, besideOf({ finish })] });
    const failed = await world.until(slotAt(), ['failed']);
    expect(failed).toMatchObject({ failedIn: 'loaded', failure: { code: 'aggregation-refused' } });
    expect(failed.committed?.runId).toBe(failed.runId);
    world.clock.advance(120_000);
    await world.tick();
    expect(heard(world.reports)).toEqual(['failed aggregation-refused']);
    expect(await keysOf(world.buckets.work, 'raw/')).not.toEqual([]);
    isBroken = false;
    await request(world, 'resume');
    expect(await world.until(slotAt(), ['reported'])).toMatchObject({ books: failed.books });
    expect(heard(world.reports)).toEqual(['failed aggregation-refused', 'succeeded']);
    expect(await keysOf(world.buckets.work, 'raw/')).toEqual([]);
  });

  it('in passing is tried for six hours before people hear of it', async () => {
    const finish = async () => {
      throw failing('retry', 'target-unavailable');
    };
    const world = createChainWorld({ targets: (table) => [table, besideOf({ finish })] });
    const { at } = (await world.until(slotAt(), ['loaded'])).committed ?? {};
    await world.until(slotAt(), ['failed']);
    const hours = (world.clock.now().getTime() - (at?.getTime() ?? 0)) / 3_600_000;
    expect(hours).toBeGreaterThan(6);
    expect(hours).toBeLessThan(6.2);
  });
});

it('a failure is sealed at once, since no signed record follows that would show it cut off', async () => {
  const source = createTroubledSource(failing('give-up'), 1);
  const world = createChainWorld({ source });
  await world.until(slotAt(), ['failed']);
  await world.live();
  const { records } = world.buckets;
  const [key = '', ...others] = (await keysOf(records, 'audit/orders/')).filter((each) =>
    each.endsWith('.ndjson'),
  );
  expect(others).toEqual([]);
  const sealed = await records.read(key);
  const text = Buffer.concat(await Array.fromAsync(sealed?.bytes ?? [])).toString('utf8');
  expect(text).toContain('"kind":"failed"');
  await expect(records.deleteVersion(key, sealed?.object.versionId ?? '')).rejects.toThrow('locked');
});

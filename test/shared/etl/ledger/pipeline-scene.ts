import { createMemoryAuditLog } from '../../../../shared/audit/log.memory.ts';
import { type ChunkWork, carryChunk } from '../../../../shared/etl/ledger/carry-chunk.ts';
import type { StageResult } from '../../../../shared/etl/ledger/chunk.ts';
import { createMemoryRunLedger } from '../../../../shared/etl/ledger/ledger.memory.ts';
import type { DueWork, RunLedger } from '../../../../shared/etl/ledger/ledger.ts';
import { changeRun, claimRun, openRun } from '../../../../shared/etl/ledger/open-run.ts';
import { fixManifest, writeChunks } from '../../../../shared/etl/ledger/plan-run.ts';
import type { Run, RunState } from '../../../../shared/etl/ledger/run.ts';
import { tendRun } from '../../../../shared/etl/ledger/tend-run.ts';
import type { Manifest } from '../../../../shared/etl/run/manifest.ts';
import { scopeKey } from '../../../../shared/etl/run/scope.ts';
import { Failure } from '../../../../shared/runtime/errors.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { createSeededRandom } from '../../../support/seeded-random.ts';
import { aManifest, aPlan, aWindow, noon, partsOf } from './builders.ts';
import { Died, type Fate, type Life } from './mortal.ts';

export const chunkCount = 5;
const leaseSeconds = 60;
const slot = { pipeline: 'orders', scopeKey: scopeKey(aWindow()) };

/** Five chunks on their way to a target with a ledger row of its own, carried by workers that may end anywhere. */
export function createPipelineScene(fate: Fate) {
  const clock = createFakeClock(noon);
  const random = createSeededRandom(1);
  const audit = createMemoryAuditLog();
  const manifests = new Map<string, Manifest>();
  const target = new Map<string, StageResult>();
  const efforts = new Map<string, number>();
  const states: RunState[] = [];
  const unexpected: unknown[] = [];
  let reports = 0;
  let owners = 0;

  const memory = createMemoryRunLedger();
  const ledger: RunLedger = {
    ...memory,
    async replaceRun(run) {
      const before = await memory.getRun(run);
      const written = await memory.replaceRun(run);
      if (written && before?.state !== run.state) states.push(run.state);
      return written;
    },
  };

  const workOf =
    (life: Life): ChunkWork =>
    ({ ordinal, chunkId, stage }, { loadId }) =>
      life.take(async () => {
        const effort = `${chunkId} ${stage}`;
        efforts.set(effort, (efforts.get(effort) ?? 0) + 1);
        const result = { books: partsOf(ordinal)[stage] };
        if (stage !== 'load') return result;
        // The target's own transaction: rows and their ledger row, or neither.
        const row = `${loadId} ${chunkId}`;
        const committed = target.get(row) ?? result;
        target.set(row, committed);
        return committed;
      });

  async function serveRun(life: Life, due: DueWork & { kind: 'run' }, owner: string) {
    const ports = { ledger: life.through(ledger), clock, random };
    if (['extracting', 'transforming', 'loading'].includes(due.state)) {
      const run = await ports.ledger.getRun(due);
      if (run) await tendRun(ports, run);
      await ports.ledger.postpone(due, new Date(clock.now().getTime() + 900_000));
      return;
    }
    const until = new Date(clock.now().getTime() + leaseSeconds * 1000);
    const run = await claimRun(ports, due, { owner, until });
    if (run?.state === 'checking') await plan(life, run, owner);
    else if (run?.state === 'planned') await writeChunks(ports, run, manifestOf(run));
    else if (run?.state === 'loaded') await report(life, run);
  }

  async function plan(life: Life, run: Run, owner: string) {
    const ports = { ledger: life.through(ledger), clock };
    const manifest = aManifest(run.runId, chunkCount);
    const manifestKey = `manifests/${run.runId}/${owner}`;
    await life.take(async () => manifests.set(manifestKey, manifest));
    const planned = await fixManifest(ports, run, { manifest, manifestKey, watermark: 'w1' });
    await writeChunks(ports, planned, manifest);
  }

  async function report(life: Life, run: Run) {
    await life
      .through(audit)
      .append('orders', { id: `${run.runId}/loaded`, kind: 'loaded', at: noon, facts: {} });
    await life.take(async () => {
      reports += 1;
    });
    await changeRun({ ledger: life.through(ledger), clock }, run, { event: 'reported' });
  }

  const manifestOf = (run: Run) => {
    const manifest = manifests.get(run.manifestKey ?? '');
    if (!manifest) throw new Error('no manifest is stored where the run says');
    return manifest;
  };

  /** One invocation; a worker that stands still is left behind. */
  async function serve(work: (life: Life, owner: string) => Promise<unknown>) {
    const life = fate.begin();
    const owner = `worker ${owners++}`;
    const done = work(life, owner).then(
      () => {},
      (error: unknown) => {
        const isLate =
          error instanceof Failure && ['lease-lost', 'run-contended', 'run-not-ready'].includes(error.code);
        if (!(error instanceof Died) && !isLate) unexpected.push(error);
      },
    );
    await Promise.race([done, life.stopped]);
  }

  async function pass() {
    const due = await memory.findDue({ pipeline: 'orders', until: clock.now(), limit: 100 });
    for (const work of due)
      await serve((life, owner) =>
        work.kind === 'run'
          ? serveRun(life, work, owner)
          : carryChunk(
              { ledger: life.through(ledger), clock, random, owner, leaseSeconds },
              work,
              workOf(life),
            ),
      );
    return due.length;
  }

  const start = () =>
    serve((life) =>
      openRun({ ledger: life.through(ledger), clock, random: createSeededRandom(owners) }, aPlan(), 'leave'),
    );

  return {
    audit,
    efforts,
    ledger: memory,
    states,
    target,
    unexpected,
    get reports() {
      return reports;
    },
    run: () => memory.getRun(slot),
    /** The schedule starts twice; ticks follow until nothing is due for longer than any lease. */
    async live(onPass?: (number: number) => void) {
      await start();
      await start();
      for (let number = 0, idle = 0; number < 400 && idle < 3; number += 1) {
        clock.advance(30_000);
        await pass();
        onPass?.(number);
        const next = await memory.findDue({ pipeline: 'orders', until: new Date(8.64e15), limit: 1 });
        idle = next.length === 0 ? idle + 1 : 0;
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

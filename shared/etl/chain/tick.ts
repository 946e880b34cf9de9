import { secondsAfter } from '../../runtime/clock.ts';
import { toldFailure } from '../../runtime/told-failure.ts';
import { thresholdsOf } from '../books/thresholds.ts';
import type { Pipeline } from '../definition/pipeline-schema.ts';
import { resendSeconds } from '../ledger/chunk.ts';
import type { DueWork } from '../ledger/ledger.ts';
import { openRun } from '../ledger/open-run.ts';
import { tendSeconds } from '../ledger/run-changes.ts';
import { tendRun } from '../ledger/tend-run.ts';
import { backfillWindows, scheduledWindow, type Window } from '../run/window.ts';
import { chunksAtOnce, startNext } from './carry.ts';
import {
  cadenceOf,
  definitionOrEnd,
  keepDefinition,
  knownPipelines,
  planRun,
  requirePipeline,
} from './definitions.ts';
import { sendExpiry } from './expire-old.ts';
import type { ChainPorts, PipelineCatalogue, Worker } from './ports.ts';
import { startRun } from './start-run.ts';

/** What one tick looks at for a pipeline; the rest is due a minute later. */
const mostDue = 2_000;
/** A chunk that waits in Lambda's queue is not sent there again so soon. */
const resendChunkSeconds = 600;
/** Windows that a pipeline catches up with in one tick. */
const mostWindows = 48;
/** Left of a tick's time when it takes up nothing more. */
const reserveMillis = 20_000;

export interface TickResult {
  readonly pipeline: string;
  readonly opened: number;
  readonly sent: number;
  /** Codes of what went wrong; a pipeline that is badly defined holds up no other. */
  readonly problems: readonly { readonly code: string; readonly message: string }[];
}

/**
 * Opens the runs whose windows are over and sends out all work that is due, pipeline by pipeline. Each has its share
 * of the time that is left, and each minute another one begins: many runs whose ends do not answer would else keep all
 * pipelines behind theirs from being looked at.
 */
export async function tick(
  ports: ChainPorts & { catalogue: PipelineCatalogue },
  worker: Worker,
): Promise<readonly TickResult[]> {
  const results: TickResult[] = [];
  const defined = new Set(await ports.catalogue.list());
  const all = new Set([...defined, ...(await knownPipelines(ports.buckets.work))]);
  const names = inTurn([...all].sort(), ports.clock.now());
  for (const [index, name] of names.entries()) {
    const left = worker.deadline.remainingMillis();
    if (left < reserveMillis) break;
    const share = (left - reserveMillis) / (names.length - index);
    results.push(
      await tickPipeline(ports, worker, { name, isDefined: defined.has(name), untilMillis: left - share }),
    );
  }
  return results;
}

function inTurn(names: readonly string[], now: Date): readonly string[] {
  const first = Math.floor(now.getTime() / 60_000) % Math.max(names.length, 1);
  return [...names.slice(first), ...names.slice(0, first)];
}

async function tickPipeline(
  ports: ChainPorts & { catalogue: PipelineCatalogue },
  worker: Worker,
  /** `untilMillis`: left of the tick's time when the next pipeline's turn comes. */
  { name, isDefined, untilMillis }: { name: string; isDefined: boolean; untilMillis: number },
): Promise<TickResult> {
  const problems: { code: string; message: string }[] = [];
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      const { code, message } = toldFailure(error);
      problems.push({ code, message });
      return undefined;
    }
  };
  // What is no longer defined opens nothing more; its runs go on to their end by the definitions they have.
  const pipeline = isDefined ? await attempt(() => requirePipeline(ports.catalogue, name)) : undefined;
  const opened = pipeline && (await attempt(() => openWindows(ports, pipeline)));
  const due = await attempt(() =>
    ports.ledger.findDue({ pipeline: name, until: ports.clock.now(), limit: mostDue }),
  );
  let sent = 0;
  for (const work of chooseWork(due ?? [])) {
    if (worker.deadline.remainingMillis() < untilMillis) break;
    if (await attempt(() => send(ports, worker, work))) sent += 1;
  }
  if (pipeline) await attempt(() => sendExpiry(ports, pipeline));
  return { pipeline: name, opened: opened ?? 0, sent, problems };
}

/** Runs, of which there are few, and as many chunks as the workers can take up before the next tick. */
const chooseWork = (due: readonly DueWork[]): readonly DueWork[] => [
  ...due.filter(({ kind }) => kind === 'run'),
  ...due.filter(({ kind }) => kind === 'chunk').slice(0, chunksAtOnce),
];

/**
 * Opens a run for each window that is over since the last one it has opened, in a pipeline's first tick since the last
 * commit; those that have a run are left alone. Counted by what was opened and not by what was committed, neither
 * windows that fail nor one that a person runs ahead of the others leave any out.
 */
async function openWindows(ports: ChainPorts, pipeline: Pipeline): Promise<number> {
  if (!pipeline.window.automatic) return 0;
  const windows = await nextWindows(ports, pipeline);
  let opened = 0;
  let configHash: string | undefined;
  for (const window of windows) {
    configHash ??= await keepDefinition(ports.buckets.work, pipeline);
    const scope = { kind: 'window' as const, ...window };
    const { kind } = await openRun(
      ports,
      planRun(pipeline, { configHash, scope, trigger: 'schedule' }),
      'leave',
    );
    if (kind === 'opened') opened += 1;
  }
  const until = windows.at(-1)?.to;
  if (until) await ports.ledger.markScheduled(pipeline.name, until);
  return opened;
}

async function nextWindows({ ledger, clock }: ChainPorts, pipeline: Pipeline): Promise<readonly Window[]> {
  const cadence = cadenceOf(pipeline);
  const now = clock.now();
  const committedUntil = async () => {
    const { watermark } = (await ledger.lastCommit(pipeline.name)) ?? {};
    return watermark === undefined ? undefined : new Date(watermark);
  };
  const last = scheduledWindow(cadence, now);
  const from = (await ledger.scheduledUntil(pipeline.name)) ?? (await committedUntil()) ?? last.from;
  if (from >= last.to) return [];
  const near = secondsAfter(from, mostWindows * cadence.lengthSeconds);
  return backfillWindows(cadence, { from, to: near < last.to ? near : last.to }, now);
}

/** Whether something was started; nothing is where another has taken it since. */
async function send(ports: ChainPorts, worker: Worker, due: DueWork): Promise<boolean> {
  const now = ports.clock.now();
  if (due.kind === 'chunk') {
    if (!(await ports.ledger.postpone(due, secondsAfter(now, resendChunkSeconds)))) return false;
    const { pipeline, runId, chunkId } = due;
    await ports.invoker.carry(due.stage, { pipeline, runId, chunkId });
    return true;
  }
  switch (due.state) {
    case 'checking':
    case 'held':
    case 'planned':
      return (await startRun(ports, worker, due)) !== undefined;
    case 'loaded':
    case 'failed': {
      const run = await ports.ledger.getRun(due);
      if (!run || !(await ports.ledger.postpone(due, secondsAfter(now, resendSeconds)))) return false;
      await ports.invoker.report(run);
      return true;
    }
    default: {
      const run = await ports.ledger.getRun(due);
      if (!run || !(await ports.ledger.postpone(due, secondsAfter(now, tendSeconds)))) return false;
      const pipeline = await definitionOrEnd(ports, run);
      if (!pipeline) return true;
      const thresholds = thresholdsOf(pipeline, run.scope.kind);
      await startNext(ports, run, await tendRun({ ...ports, thresholds }, run));
      return true;
    }
  }
}

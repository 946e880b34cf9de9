import type { TickResult } from '../../shared/etl/chain/tick.ts';
import type { RunLedger } from '../../shared/etl/ledger/ledger.ts';
import type { Run, RunSlot } from '../../shared/etl/ledger/run.ts';
import { takesWork } from '../../shared/etl/ledger/run-transitions.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import { Failure } from '../../shared/runtime/errors.ts';
import { FunctionFailure } from '../aws/lambda/function-failure.ts';
import { describeStruggle, describeWaits } from './describe-waits.ts';
import { statusOf } from './run-summary.ts';

const lookMillis = 150;
const lookAtChunksMillis = 1_000;
const tickMillis = 5_000;
/** A run may lawfully wait for hours (a source that throttles); a pass must not. */
const passMillis = 15 * 60_000;

export interface Watch {
  readonly ledger: Pick<RunLedger, 'getRun' | 'listChunks'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly slot: RunSlot;
  /** The minute tick, made here more often. */
  readonly tick: () => Promise<readonly TickResult[]>;
  /** A line whenever something has changed. */
  readonly onProgress: (line: string) => void;
}

/** Until people would have been told of the run, the signal aborts or a quarter of an hour is over. */
export async function watchRun(watch: Watch): Promise<Run | undefined> {
  const { ledger, slot, clock, signal } = watch;
  const endsAt = clock.now().getTime() + passMillis;
  const show = showChanges(watch.onProgress);
  let nextTickAt = 0;
  let nextLookAt = 0;
  for (;;) {
    const run = await ledger.getRun(slot);
    if (run) show('state', [`pipeline ${slot.pipeline}: ${run.state}`]);
    const nowMillis = clock.now().getTime();
    if (!run || statusOf(run) || signal.aborted || nowMillis > endsAt) return run;
    if (nowMillis >= nextTickAt) {
      show('tick', await untilAborted(tickOnce(watch), signal, []));
      nextTickAt = clock.now().getTime() + tickMillis;
    }
    if (nowMillis >= nextLookAt) {
      const chunks = takesWork(run) ? await ledger.listChunks(run) : [];
      show('waits', [...describeStruggle(run), ...describeWaits(chunks, clock.now())]);
      nextLookAt = nowMillis + lookAtChunksMillis;
    }
    await clock.sleep(lookMillis, signal).catch(() => undefined);
  }
}

/** What comes first: the work's answer, or `cutOff` when the signal aborts; the work itself goes on. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal, cutOff: T): Promise<T> {
  if (signal.aborted) return cutOff;
  const { promise, resolve } = Promise.withResolvers<T>();
  const abort = () => resolve(cutOff);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** `<code>: <message>`, of a function's failure as well. */
export function problemOf(error: unknown): string {
  if (error instanceof FunctionFailure) {
    const { errorType, errorMessage } = error.functionError;
    return /^[a-z][a-z0-9-]+$/.test(errorType)
      ? `${errorType}: ${errorMessage}`
      : `${error.code}: ${error.message}`;
  }
  return error instanceof Failure ? `${error.code}: ${error.message}` : `unexpected: ${String(error)}`;
}

/** What went wrong with this pipeline; a tick that failed is made again. */
async function tickOnce({ tick, slot }: Watch): Promise<readonly string[]> {
  try {
    const results = await tick();
    const own = results.filter(({ pipeline }) => pipeline === slot.pipeline);
    return own.flatMap(({ problems }) => problems.map(({ code, message }) => `${code}: ${message}`));
  } catch (error) {
    return [problemOf(error)];
  }
}

/** Shows each line of a topic that its last showing had not. */
function showChanges(onProgress: (line: string) => void) {
  const shown = new Map<string, readonly string[]>();
  return (topic: string, lines: readonly string[]): void => {
    const before = shown.get(topic) ?? [];
    for (const line of lines) if (!before.includes(line)) onProgress(topic === 'state' ? line : `  ${line}`);
    shown.set(topic, lines);
  };
}

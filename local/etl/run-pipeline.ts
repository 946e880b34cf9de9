import type { TickResult } from '../../shared/etl/chain/tick.ts';
import { digestPipeline } from '../../shared/etl/definition/digest.ts';
import type { ExistingRun } from '../../shared/etl/ledger/open-run.ts';
import type { Run, RunSlot } from '../../shared/etl/ledger/run.ts';
import type { EtlSummary } from '../../shared/etl/report/etl-summary.ts';
import { scopeKey } from '../../shared/etl/run/scope.ts';
import { windowText } from '../../shared/etl/run/window.ts';
import { oneLine } from '../../shared/report/readable-text.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import type { LocalStack } from '../stack.ts';
import { decideRequest, isUnderWay } from './decide-request.ts';
import { openPipelineBuckets, type PipelineBuckets } from './pipeline-buckets.ts';
import type { PipelineWorld } from './pipeline-world.ts';
import { countOtherRuns, recoverRuns } from './recover-runs.ts';
import { statusOf, summarizeRun } from './run-summary.ts';
import { problemOf, untilAborted, watchRun } from './watch-run.ts';

/** A held run's report follows it by an invocation. */
const reportMillis = 20_000;
const lookMillis = 150;
const shownCharacters = 1_000;

export interface PipelinePass {
  readonly world: PipelineWorld;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** When what is left goes on: `in the next pass`. */
  readonly afterwards: string;
  /** A line, without its end. */
  readonly onProgress: (line: string) => void;
}

/**
 * Brings a pipeline's last window to its end by the deployed functions, and answers what its report says; null where
 * the signal aborts before there is one.
 */
export async function runPipeline(stack: LocalStack, given: PipelinePass): Promise<EtlSummary | null> {
  const { clock, signal } = given;
  const pass = { ...given, onProgress: (line: string) => given.onProgress(oneLine(line, shownCharacters)) };
  const startedAt = clock.now();
  const buckets = openPipelineBuckets(stack);
  try {
    const { run, problems } = await bringToEnd(stack, { ...pass, buckets });
    const report = run && (await awaitReport({ ...pass, buckets, run }));
    if (report) return report;
    if (signal.aborted) return interrupted(pass);
    return summarizeRun({ run, problems, startedAt, now: clock.now() });
  } catch (error) {
    if (signal.aborted) return interrupted(pass);
    return summarizeRun({ run: undefined, problems: [problemOf(error)], startedAt, now: clock.now() });
  } finally {
    buckets.close();
  }
}

type Pass = PipelinePass & { readonly buckets: PipelineBuckets };

interface Ended {
  readonly run: Run | undefined;
  readonly problems: readonly string[];
}

async function bringToEnd(stack: LocalStack, pass: Pass): Promise<Ended> {
  const { world, clock, buckets, onProgress, afterwards } = pass;
  const { ledger } = stack.stores;
  const slot = {
    pipeline: world.pipeline.name,
    scopeKey: scopeKey({ kind: 'window', ...world.window }),
  };
  await recoverRuns(ledger, slot.pipeline, clock);
  await buckets.define(world);
  const ended = await settle(stack, { ...pass, slot });
  const others = await countOtherRuns(ledger, slot);
  if (others === 1) onProgress(`  1 further window is open; it goes on ${afterwards}`);
  if (others > 1) onProgress(`  ${others} further windows are open; they go on ${afterwards}`);
  if (!ended.run || statusOf(ended.run) || pass.signal.aborted) return ended;
  const unfinished = `not-done-in-time: the run is still ${ended.run.state}; it goes on ${afterwards}`;
  return { ...ended, problems: [...ended.problems, unfinished] };
}

/** Waits for what is under way, then sees to it that the window is loaded as it is defined now. */
async function settle(stack: LocalStack, pass: Pass & { slot: RunSlot }): Promise<Ended> {
  const { world, slot, signal, onProgress } = pass;
  const { ledger } = stack.stores;
  const configHash = digestPipeline(world.pipeline);
  const tick = () => callStart<readonly TickResult[]>(stack, { trigger: 'schedule' });
  const watch = () => watchRun({ ...pass, ledger, tick });

  const found = await ledger.getRun(slot);
  const waited = found !== undefined && isUnderWay(found);
  const before = waited ? await watch() : found;
  if (signal.aborted) return { run: before, problems: [] };
  if (before && waited && (before.configHash === configHash || isUnderWay(before)))
    return { run: before, problems: [] };

  const isExpired = before !== undefined && (await pass.buckets.hasExpired(before));
  const decision = decideRequest(before, { configHash, isExpired });
  if (decision.kind === 'nothing') {
    onProgress(describeLoaded(pass, before));
    return { run: before, problems: [] };
  }
  if (decision.reason) onProgress(`pipeline ${slot.pipeline}: ${decision.reason}`);
  const problems = await requestRun(stack, pass, decision.existing);
  for (const problem of problems) onProgress(`  ${problem}`);
  const opened = await ledger.getRun(slot);
  // Refused before anything was opened; a run that could not be started is started again by the tick.
  if (problems.length > 0 && opened?.version === before?.version) return { run: undefined, problems };
  return { run: await watch(), problems };
}

/** Answers what kept it. */
function requestRun(stack: LocalStack, pass: Pass, existing: ExistingRun): Promise<readonly string[]> {
  const { pipeline, window } = pass.world;
  const { from, to } = window;
  const asked = callStart(stack, {
    pipeline: pipeline.name,
    window: { from: from.toISOString(), to: to.toISOString() },
    existing,
  });
  const answered = asked.then(
    () => [],
    (error: unknown) => [problemOf(error)],
  );
  return untilAborted(answered, pass.signal, []);
}

const callStart = async <Answer>({ aws }: LocalStack, event: object): Promise<Answer> =>
  (await aws.lambda.call('start-etl', event)) as Answer;

async function awaitReport({
  buckets,
  run,
  clock,
  signal,
}: Pass & { run: Run }): Promise<EtlSummary | undefined> {
  const status = statusOf(run);
  if (!status) return undefined;
  const endsAt = clock.now().getTime() + reportMillis;
  for (;;) {
    const report = await buckets.readReport(run);
    if (report?.status === status) return report;
    if (signal.aborted || clock.now().getTime() > endsAt) return undefined;
    await clock.sleep(lookMillis, signal).catch(() => undefined);
  }
}

function describeLoaded({ world }: Pass, run: Run | undefined): string {
  const at = run?.committed?.at.toISOString() ?? 'an unknown time';
  const window = windowText(world.window);
  return `pipeline ${world.pipeline.name}: window ${window} was loaded at ${at} by run ${run?.runId}; nothing to do`;
}

function interrupted({ onProgress }: PipelinePass): null {
  onProgress('the pipeline was interrupted; with --data-dir its run goes on in the next pass');
  return null;
}

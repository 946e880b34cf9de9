import { randomUUID } from 'node:crypto';
import type { EtlSummary } from '../shared/etl/report/etl-summary.ts';
import type { InventoryEntry } from '../shared/inventory/inventory-file.ts';
import { systemClock as clock } from '../shared/runtime/clock.ts';
import { asFailure, Failure } from '../shared/runtime/errors.ts';
import { openDataDirectory } from './data-directory.ts';
import type { LocalOptions } from './options.ts';
import type { PassResult } from './pass.ts';
import { type PassSummary, summarizePass } from './pass-summary.ts';
import { createProgressDisplay } from './progress.ts';
import { describeIdle, describePass, describeStart } from './screen-text.ts';
import type { LocalStack } from './stack.ts';

export interface SessionInputs {
  readonly options: LocalOptions;
  /** The text, and what was read from it. */
  readonly inventory: string;
  readonly entries: readonly InventoryEntry[];
  /** The definition of the pipeline to run; none when absent. */
  readonly pipelineText?: string | undefined;
}

export interface SessionResult {
  readonly failed: number;
  /** True when the pass was interrupted. */
  readonly cutOff: boolean;
}

/**
 * The stack's life: starts it, makes one pass over the inventory, and without `once` goes on with the schedules
 * until the signal aborts. An interruption before the stack stands rejects with the signal's reason.
 */
export async function runSession(
  { options, inventory, entries, pipelineText }: SessionInputs,
  signal: AbortSignal,
): Promise<SessionResult> {
  const dataDirectory = openDataDirectory(options.dataDir);
  try {
    // Loaded when the input is found good: the SDK clients behind it take half a second.
    const [{ startStack }, { recoverRenewals }] = await Promise.all([
      import('./stack.ts'),
      import('./pass.ts'),
    ]);
    const starting = startStack({
      ...options,
      pipelineText,
      dataDir: dataDirectory.path,
      onLog: createLogSink(options),
    });
    const stack = await untilAborted(starting, signal);
    try {
      process.stderr.write(describeStart(stack, options));
      const recovered = await recoverRenewals(stack, clock);
      if (recovered > 0) process.stderr.write(`going on with ${recovered} renewals of an earlier pass\n`);
      stack.aws.startPolling();
      const afterwards = options.once ? 'in the next pass with the same --data-dir' : 'by the schedules';
      const summary = await passOnce(stack, { inventory, entries, signal, afterwards });
      if (options.json) await print(`${JSON.stringify(summary)}\n`);
      const etlFailed = summary.etl !== null && summary.etl.status !== 'succeeded' ? 1 : 0;
      const failed = summary.certificates.failed.length + etlFailed;
      const result = { failed, cutOff: signal.aborted };
      if (!options.once && !signal.aborted) await idle(stack, options, signal);
      return result;
    } finally {
      await stack.stop();
    }
  } finally {
    dataDirectory.release();
  }
}

async function passOnce(
  stack: LocalStack,
  given: Pick<SessionInputs, 'inventory' | 'entries'> & {
    signal: AbortSignal;
    /** When what is left open goes on. */
    afterwards: string;
  },
): Promise<PassSummary> {
  const { inventory, entries, signal, afterwards } = given;
  const display = createProgressDisplay(process.stderr);
  const runId = randomUUID();
  const ordersBefore = stack.ca?.ledger.newOrders ?? 0;
  const onProgress = display.show;
  const { runPass } = await import('./pass.ts');
  const pass = await runPass(stack, { runId, inventory, signal, clock, onProgress });
  display.end();
  if (!signal.aborted) await report(stack, pass);
  const etl = signal.aborted ? null : await runEtl(stack, signal, afterwards);
  const challenges = new Map(entries.map(({ name, policy }) => [name, policy.challenge]));
  const whole = { ...pass, finishedAt: clock.now() };
  const summary = summarizePass(whole, {
    reasons: stack.neighbourhood.outages,
    challengeOf: (name) => challenges.get(name),
    etl,
  });
  const newOrders = stack.ca && stack.ca.ledger.newOrders - ordersBefore;
  const pipeline = stack.pipelineWorld?.pipeline.name;
  process.stderr.write(describePass({ summary, pipeline, newOrders, slackPosts: stack.slack.posts }));
  return summary;
}

async function runEtl(
  stack: LocalStack,
  signal: AbortSignal,
  afterwards: string,
): Promise<EtlSummary | null> {
  const { pipelineWorld } = stack;
  if (!pipelineWorld) return null;
  const { runPipeline } = await import('./etl/run-pipeline.ts');
  const onProgress = (text: string) => process.stderr.write(`${text}\n`);
  return runPipeline(stack, { world: pipelineWorld, clock, signal, afterwards, onProgress });
}

/** The deployed report, which tells SNS and the Slack sink; that it fails does not undo the pass. */
async function report({ aws }: LocalStack, { runId, startedAt }: PassResult): Promise<void> {
  try {
    await aws.lambda.call('report-run', { runId, startedAt: startedAt.toISOString() });
  } catch (error) {
    process.stderr.write(`the report could not be sent: ${asFailure(error).message}\n`);
  }
}

/** A reader who is gone has had enough; a summary that could not be written is a failure. */
const print = (text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') {
        reject(
          new Failure({
            code: 'output-failed',
            disposition: 'give-up',
            message: `the summary could not be written (${error.message})`,
          }),
        );
      } else resolve();
    });
  });

async function idle(stack: LocalStack, options: LocalOptions, signal: AbortSignal): Promise<void> {
  stack.aws.startSchedules();
  const { startDashboard } = await import('./dashboard.ts');
  const dashboard = await startDashboard({ port: options.dashboardPort, stores: stack.stores, clock });
  process.stderr.write(describeIdle(stack, dashboard.url));
  await new Promise<void>((resolve) => {
    // The stack's own handles are not all referenced; this one keeps the process until it is told to end.
    const keepAlive = setInterval(() => undefined, 60_000);
    const finish = () => {
      clearInterval(keepAlive);
      resolve();
    };
    if (signal.aborted) finish();
    else signal.addEventListener('abort', finish, { once: true });
  });
  await dashboard.stop();
}

/** What starts, unless the signal aborts first: nothing has begun then that would have to be ended in order. */
async function untilAborted(starting: Promise<LocalStack>, signal: AbortSignal): Promise<LocalStack> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  starting.catch(() => undefined);
  return Promise.race([starting, aborted]);
}

/** A function that lacks a permission is a fault of the stack itself, which nobody should have to ask for. */
const createLogSink =
  ({ verbose }: LocalOptions) =>
  (functionName: string, text: string): void => {
    if (verbose || text.startsWith('AccessDenied'))
      process.stderr.write(`[${functionName}] ${text.trimEnd()}\n`);
  };

import { randomUUID } from 'node:crypto';
import { type InventoryEntry, parseInventory } from '../shared/inventory/inventory-file.ts';
import { readInventory } from '../shared/inventory/sources/registry.ts';
import { systemClock as clock } from '../shared/runtime/clock.ts';
import { asFailure, Failure } from '../shared/runtime/errors.ts';
import { startDashboard } from './dashboard.ts';
import { openDataDirectory } from './data-directory.ts';
import { type LocalOptions, parseOptions, usage } from './options.ts';
import { type PassResult, recoverRenewals, runPass } from './pass.ts';
import { type PassSummary, summarizePass } from './pass-summary.ts';
import { createProgressDisplay } from './progress.ts';
import { describeIdle, describePass, describeStart } from './screen-text.ts';
import type { LocalStack } from './stack.ts';

const done = 0;
const somethingFailed = 1;
const badInput = 2;
const interruptedStatus = 130;

/** The local command; answers the process's exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const inputs = await readInputs(args);
  if (typeof inputs === 'number') return inputs;
  const interruption = new AbortController();
  const stopListening = listenForInterruption(() => {
    // A second one is from somebody who will not wait.
    if (interruption.signal.aborted) process.exit(interruptedStatus);
    interruption.abort(new Failure(interruptedDetails));
  });
  try {
    return await runLocally(inputs, interruption.signal);
  } catch (error) {
    if (interruption.signal.aborted) return interruptedStatus;
    const badDirectory = asFailure(error).code.startsWith('data-dir-');
    return complain(error, badDirectory ? badInput : somethingFailed);
  } finally {
    stopListening();
  }
}

const interruptions = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Signals, and the end of the process that started this one: npm does not hand every signal on. */
function listenForInterruption(interrupt: () => void): () => void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    interrupt();
  }, 1000).unref();
  for (const name of interruptions) process.on(name, interrupt);
  // Whoever stopped reading misses the rest; the pass itself goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return () => {
    clearInterval(watch);
    for (const name of interruptions) process.off(name, interrupt);
  };
}

interface Inputs {
  readonly options: LocalOptions;
  readonly inventory: string;
  readonly entries: readonly InventoryEntry[];
}

/** Everything that can be wrong before anything is started; a number is the exit status. */
async function readInputs(args: readonly string[]): Promise<Inputs | number> {
  try {
    const options = parseOptions(args);
    if (options === 'help') {
      process.stdout.write(usage);
      return done;
    }
    const inventory = await readInventory(options.domains, { signal: AbortSignal.timeout(30_000) });
    const verdict = parseInventory(inventory, { source: options.domains });
    if (verdict.ok) return { options, inventory, entries: verdict.certificates };
    process.stderr.write(`${verdict.message}\n`);
    return badInput;
  } catch (error) {
    return complain(error, badInput);
  }
}

async function runLocally({ options, inventory, entries }: Inputs, signal: AbortSignal): Promise<number> {
  const dataDirectory = openDataDirectory(options.dataDir);
  try {
    // Loaded when the input is found good: the SDK clients behind it take half a second.
    const { startStack } = await import('./stack.ts');
    const starting = startStack({ ...options, dataDir: dataDirectory.path, onLog: createLogSink(options) });
    const stack = await untilAborted(starting, signal);
    try {
      process.stderr.write(describeStart(stack, options));
      const recovered = await recoverRenewals(stack, clock);
      if (recovered > 0) process.stderr.write(`going on with ${recovered} renewals of an earlier pass\n`);
      stack.aws.startPolling();
      const summary = await passOnce(stack, { inventory, entries, signal });
      if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
      if (signal.aborted) return interruptedStatus;
      if (!options.once) await idle(stack, options, signal);
      return summary.certificates.failed.length > 0 ? somethingFailed : done;
    } finally {
      await stack.stop();
    }
  } finally {
    dataDirectory.release();
  }
}

async function passOnce(
  stack: LocalStack,
  { inventory, entries, signal }: Pick<Inputs, 'inventory' | 'entries'> & { signal: AbortSignal },
): Promise<PassSummary> {
  const display = createProgressDisplay(process.stderr);
  const runId = randomUUID();
  const ordersBefore = stack.ca?.ledger.newOrders ?? 0;
  const onProgress = display.show;
  const pass = await runPass(stack, { runId, inventory, signal, clock, onProgress });
  display.end();
  if (!signal.aborted) await report(stack, pass);
  const challenges = new Map(entries.map(({ name, policy }) => [name, policy.challenge]));
  const summary = summarizePass(pass, {
    reasons: stack.neighbourhood.outages,
    challengeOf: (name) => challenges.get(name),
  });
  const newOrders = stack.ca && stack.ca.ledger.newOrders - ordersBefore;
  process.stderr.write(describePass({ summary, newOrders, slackPosts: stack.slack.posts }));
  return summary;
}

/** The deployed report, which tells SNS and the Slack sink; that it fails does not undo the pass. */
async function report({ aws }: LocalStack, { runId, startedAt }: PassResult): Promise<void> {
  try {
    await aws.lambda.call('report-run', { runId, startedAt: startedAt.toISOString() });
  } catch (error) {
    process.stderr.write(`the report could not be sent: ${asFailure(error).message}\n`);
  }
}

async function idle(stack: LocalStack, options: LocalOptions, signal: AbortSignal): Promise<void> {
  stack.aws.startSchedules();
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

const interruptedDetails = {
  code: 'interrupted',
  disposition: 'retry',
  message: 'interrupted; what was begun goes on in the next pass over the same --data-dir',
} as const;

function complain(error: unknown, status: number): number {
  const failure = asFailure(error);
  process.stderr.write(`certfleet: ${failure.message}\n`);
  if (failure.disposition === 'bug' && failure.cause instanceof Error)
    process.stderr.write(`${failure.cause.stack}\n`);
  return status;
}

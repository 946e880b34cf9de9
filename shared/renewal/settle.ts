import { secondsAfter } from '../runtime/clock.ts';
import { asFailure, Failure } from '../runtime/errors.ts';
import { decideRetryAt } from './backoff.ts';
import { describeOutcome } from './outcome.ts';
import type { LeasedRenewal, RenewalOutcome, StepName } from './renewal.ts';
import { transitions } from './transitions.ts';
import { addWarnings } from './warnings.ts';
import type { OrderFate, RunRenewal, RunResult } from './worker.ts';

/** After this long an unanswered message counts as lost and the scheduler sends the renewal again. */
export const resendSeconds = 900;

// Failures that leave nothing of the order to go on with.
const orderEnders: readonly string[] = [
  'order-missing',
  'order-invalid',
  'validation-failed',
  'issued-chain-wrong',
];
/** Those of them after which the CA certainly issues nothing from it, nor has. */
const orderVoiders: readonly string[] = ['order-invalid', 'validation-failed'];
/** Failures after which a renewal counts as one that keeps failing. */
const quarantineAttempts = 6;
/** Enough for the problems of a hundred names, far below an item's 400 KB. */
const longestProblem = 8000;

/** Gives the renewal to the worker of its step. Stored first: a message lost is made up for by the due index. */
export async function handOver({ ports, work }: RunRenewal, renewal: LeasedRenewal): Promise<RunResult> {
  const to = transitions[renewal.step].worker;
  await ports.renewals.release({ ...renewal, nextActionAt: secondsAfter(ports.clock.now(), resendSeconds) });
  await ports.queue.send(to, [work]);
  return { kind: 'handed-over', to };
}

/** Lets the renewal rest until somebody else has acted. */
export async function pause(
  { ports }: RunRenewal,
  renewal: LeasedRenewal,
  wait: { seconds: number; reason: string },
): Promise<RunResult> {
  const until = secondsAfter(ports.clock.now(), wait.seconds);
  await ports.renewals.release({ ...renewal, nextActionAt: until, restsUntil: until });
  return { kind: 'waiting', until, reason: wait.reason };
}

/** Lets the renewal rest until a known instant, which is a rate limit's or another CA's to name. */
export async function rest(
  { ports }: RunRenewal,
  renewal: LeasedRenewal,
  { until, reason }: { until: Date; reason: string },
): Promise<RunResult> {
  await ports.renewals.release({
    ...renewal,
    stepStartedAt: undefined,
    nextActionAt: until,
    restsUntil: until,
  });
  return { kind: 'waiting', until, reason };
}

/** Ends the renewal for good; a success is told to the run. */
export async function end(
  run: RunRenewal,
  renewal: LeasedRenewal,
  outcome: RenewalOutcome,
): Promise<RunResult> {
  const { ports, work } = run;
  const now = ports.clock.now();
  const { nextActionAt: _, ...ended } = { ...(await letGo(run, renewal, 'left')), outcome };
  if (outcome === 'renewed') {
    await ports.runs.recordOutcome(describeOutcome(ended, { runId: work.runId, result: 'renewed', at: now }));
  }
  if (outcome === 'abandoned') await lookAgain(run, renewal);
  await ports.renewals.release(ended);
  return { kind: 'ended', outcome };
}

/** Stores why and until when the renewal rests, and tells the run. */
export async function fail(run: RunRenewal, renewal: LeasedRenewal, failure: Failure): Promise<RunResult> {
  const { ports, work } = run;
  // Without the store nothing can be kept; with a lost lease nothing may be.
  if (failure.code === 'store-unavailable' || failure.code === 'lease-lost') throw failure;
  const now = ports.clock.now();
  const recovered = await recoverFrom(run, renewal, failure);
  const { step, retryNow } = recovered;
  const attempts = renewal.attempts + 1;
  const paused = failure.code === 'acme-paused' && !retryNow;
  const soon = retryNow
    ? secondsAfter(now, 1)
    : decideRetryAt(failure, { attempts, now, random: ports.random });
  const retryAt = paused ? undefined : soon;
  const message = failure.message.slice(0, longestProblem);
  const failed: LeasedRenewal = {
    ...recovered.renewal,
    ...(step && { step }),
    // It begins anew: its allowance would be over before it has waited at all.
    stepStartedAt: undefined,
    attempts,
    lastProblem: { code: failure.code, message, at: now, step: renewal.step },
    nextActionAt: retryAt,
    restsUntil: retryAt,
    ...(paused && { pausedAt: now }),
    ...(attempts >= quarantineAttempts && { quarantinedAt: renewal.quarantinedAt ?? now }),
  };
  await ports.runs.recordOutcome(describeOutcome(failed, { runId: work.runId, result: 'failed', at: now }));
  await ports.renewals.release(failed);
  return { kind: 'failed', failure, retryAt };
}

/** The renewal as it goes on after a failure; a failing recovery is a warning beside the failure itself. */
async function recoverFrom(
  run: RunRenewal,
  renewal: LeasedRenewal,
  failure: Failure,
): Promise<{ renewal: LeasedRenewal; step?: StepName | undefined; retryNow?: boolean | undefined }> {
  const orderEnded = orderEnders.includes(failure.code);
  const step = orderEnded ? ('choose-ca' as const) : undefined;
  const fate = orderVoiders.includes(failure.code) ? 'void' : 'left';
  const freed = orderEnded ? { ...(await letGo(run, renewal, fate)), order: undefined } : renewal;
  if (!run.recover) return { renewal: freed, step };
  try {
    const recovery = await run.recover(freed, failure, run.deadline.signal);
    const { changes, retryNow } = recovery;
    return { renewal: { ...freed, ...changes }, step: recovery.step ?? step, retryNow };
  } catch (error) {
    return { renewal: { ...freed, warnings: addWarnings(freed.warnings, [asFailure(error).message]) }, step };
  }
}

/** Without what its order held; what could not be given back stays on record, for the next that tries. */
export async function letGo(
  run: RunRenewal,
  renewal: LeasedRenewal,
  fate: OrderFate,
): Promise<LeasedRenewal> {
  if (!run.letGo) return renewal;
  try {
    return { ...renewal, ...(await run.letGo(renewal, { fate, signal: run.deadline.signal })) };
  } catch (error) {
    return { ...renewal, warnings: addWarnings(renewal.warnings, [asFailure(error).message]) };
  }
}

/** Brings the certificate of an abandoned renewal back before the scheduler at once. */
async function lookAgain({ ports }: RunRenewal, { certificateName: name }: LeasedRenewal): Promise<void> {
  const certificate = await ports.certificates.get(name);
  if (!certificate) return;
  const { nextActionAt: expectedAt } = certificate;
  await ports.certificates.postpone({ name, expectedAt, nextActionAt: ports.clock.now() });
}

export const stepOverdue = (
  { certificateName, step }: LeasedRenewal,
  { reason, seconds }: { reason: string; seconds: number },
): Failure =>
  new Failure({
    code: 'step-overdue',
    disposition: 'retry',
    message: `${certificateName} has been at ${step} for more than half an hour: ${reason}`,
    // The CA's own wish may be longer than the backoff.
    retryAfterSeconds: seconds,
  });

import { secondsAfter } from '../runtime/clock.ts';
import { asFailure, Failure } from '../runtime/errors.ts';
import { decideRetryAt } from './backoff.ts';
import { describeOutcome } from './outcome.ts';
import type { LeasedRenewal, RenewalOutcome } from './renewal.ts';
import { transitions } from './transitions.ts';
import type { RunRenewal, RunResult } from './worker.ts';

/** After this long an unanswered message counts as lost and the scheduler sends the renewal again. */
export const resendSeconds = 900;

// Failures that leave nothing of the order to go on with.
const orderEnders: readonly string[] = [
  'order-missing',
  'order-invalid',
  'validation-failed',
  'issued-chain-wrong',
];
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

/** Ends the renewal for good; a success is told to the run. */
export async function end(
  run: RunRenewal,
  renewal: LeasedRenewal,
  outcome: RenewalOutcome,
): Promise<RunResult> {
  const { ports, work } = run;
  const now = ports.clock.now();
  const { nextActionAt: _, ...ended } = { ...(await withdrawProofs(run, renewal)), outcome };
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
  const attempts = renewal.attempts + 1;
  const retryAt = decideRetryAt(failure, { attempts, now, random: ports.random });
  const message = failure.message.slice(0, longestProblem);
  const orderEnded = orderEnders.includes(failure.code);
  const failed: LeasedRenewal = {
    ...(orderEnded ? await withdrawProofs(run, renewal) : renewal),
    ...(orderEnded && { step: 'place-order', order: undefined, stepStartedAt: undefined }),
    attempts,
    lastProblem: { code: failure.code, message, at: now, step: renewal.step },
    nextActionAt: retryAt,
    restsUntil: retryAt,
  };
  await ports.runs.recordOutcome(describeOutcome(failed, { runId: work.runId, result: 'failed', at: now }));
  await ports.renewals.release(failed);
  return { kind: 'failed', failure, retryAt };
}

/** Proofs nobody needs any more; what could not be withdrawn stays on record, for the next that tries. */
async function withdrawProofs(
  { withdraw, deadline }: RunRenewal,
  renewal: LeasedRenewal,
): Promise<LeasedRenewal> {
  if (!withdraw || renewal.challenges.length === 0) return renewal;
  try {
    const { remaining, problems } = await withdraw(renewal.challenges, deadline.signal);
    return { ...renewal, challenges: remaining, warnings: [...renewal.warnings, ...problems] };
  } catch (error) {
    return { ...renewal, warnings: [...renewal.warnings, asFailure(error).message] };
  }
}

/** Brings the certificate of an abandoned renewal back before the scheduler at once. */
async function lookAgain({ ports }: RunRenewal, { certificateName: name }: LeasedRenewal): Promise<void> {
  const certificate = await ports.certificates.get(name);
  if (!certificate) return;
  const { nextActionAt: expectedAt } = certificate;
  await ports.certificates.postpone({ name, expectedAt, nextActionAt: ports.clock.now() });
}

export const stepOverdue = ({ certificateName, step }: LeasedRenewal, reason: string): Failure =>
  new Failure({
    code: 'step-overdue',
    disposition: 'retry',
    message: `${certificateName} has been at ${step} for more than half an hour: ${reason}`,
  });

import { sameNames } from '../certificates/certificate.ts';
import type { CertificateStore } from '../certificates/store.ts';
import type { RunStore } from '../report/runs.ts';
import { type Clock, secondsAfter } from '../runtime/clock.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { asFailure, type Failure } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { decideRetryAt } from './backoff.ts';
import { describeOutcome } from './outcome.ts';
import type { LeasedRenewal, Renewal, RenewalOutcome, StepName } from './renewal.ts';
import type { Step, StepOutcome } from './step.ts';
import type { RenewalStore } from './store.ts';
import { transitions, type Worker } from './transitions.ts';
import type { RenewalWork, WorkQueue } from './work-queue.ts';

export interface RunnerPorts {
  readonly certificates: CertificateStore;
  readonly renewals: RenewalStore;
  readonly runs: RunStore;
  readonly queue: WorkQueue;
  readonly clock: Clock;
  readonly random: Random;
}

export interface RunRenewal {
  readonly work: RenewalWork;
  readonly worker: Worker;
  /** The steps of this worker, made for this renewal alone. */
  readonly steps: Partial<Record<StepName, Step>>;
  /** Names this invocation in the lease. */
  readonly owner: string;
  readonly deadline: Deadline;
  readonly ports: RunnerPorts;
}

export type RunResult =
  | { readonly kind: 'not-claimed' }
  | { readonly kind: 'ended'; readonly outcome: RenewalOutcome }
  | { readonly kind: 'handed-over'; readonly to: Worker }
  | { readonly kind: 'waiting'; readonly until: Date; readonly reason: string }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly retryAt: Date };

/** Longest wait inside an invocation; beyond it the renewal is stored and sent again when its time comes. */
const waitInProcessSeconds = 30;
/** After this long an unanswered message counts as lost and the scheduler sends the renewal again. */
export const resendSeconds = 900;
/** No new effect starts with less than this left; what a step needs to end and be saved. */
const marginMillis = 15_000;
// Failures that leave nothing of the order to go on with.
const orderEnders: readonly string[] = ['order-missing', 'order-invalid', 'validation-failed'];

/**
 * Carries one renewal from its stored step as far as this worker may: claims it, performs step after step,
 * stores each before the next begins, and hands it on, waits, ends or fails. Safe to call any number of times
 * for the same work.
 * @throws Failure `store-unavailable` when the state cannot be kept; the message must then be delivered again
 */
export async function runRenewal(run: RunRenewal): Promise<RunResult> {
  const { ports, deadline } = run;
  const now = ports.clock.now();
  const until = secondsAfter(now, deadline.remainingMillis() / 1000 + 30);
  const claimed = await ports.renewals.claim(run.work, { owner: run.owner, now, until });
  if (!claimed) return { kind: 'not-claimed' };
  try {
    const ended = await decideEnding(claimed, ports.certificates);
    return ended ? await end(run, claimed, ended) : await performSteps(run, claimed);
  } catch (error) {
    // Whoever took the renewal over carries it on; a redelivery would only meet their lease.
    if (asFailure(error).code === 'lease-lost') return { kind: 'not-claimed' };
    throw error;
  }
}

async function performSteps(run: RunRenewal, claimed: LeasedRenewal): Promise<RunResult> {
  const { ports, deadline, steps } = run;
  let renewal = claimed;
  let resumed = true;
  let polls = 0;
  let ordersReplaced = 0;
  for (;;) {
    const step = steps[renewal.step];
    if (!step) return handOver(run, renewal);
    if (deadline.remainingMillis() < marginMillis)
      return waitUntil(run, renewal, { seconds: 1, reason: 'out of time' });
    let outcome: StepOutcome;
    try {
      outcome = await step({ renewal, resumed, polls, signal: deadline.signal });
    } catch (error) {
      const failure = asFailure(error);
      // An order the CA forgot (or another CA's) is no failure of the certificate: one new order is placed at once.
      if (failure.code !== 'order-missing' || ordersReplaced++ > 0) return fail(run, renewal, failure);
      outcome = { kind: 'done', changes: { order: undefined, challenges: [] }, next: 'place-order' };
    }
    if (outcome.kind === 'ended') return end(run, renewal, outcome.outcome);
    renewal = { ...renewal, ...outcome.changes };
    if (outcome.kind === 'wait') {
      const fits = outcome.seconds <= waitInProcessSeconds;
      if (!fits || outcome.seconds * 1000 + marginMillis > deadline.remainingMillis()) {
        return waitUntil(run, renewal, outcome);
      }
      await ports.clock.sleep(outcome.seconds * 1000, deadline.signal);
      polls += 1;
      continue;
    }
    const next = outcome.next ?? transitions[renewal.step].next;
    if (next === 'end') return end(run, renewal, 'renewed');
    renewal = { ...renewal, step: next };
    resumed = false;
    polls = 0;
    if (steps[next]) await ports.renewals.save(renewal);
  }
}

/** A renewal whose reason is gone ends without touching the CA; one already issued always goes on. */
async function decideEnding(
  renewal: Renewal,
  certificates: CertificateStore,
): Promise<RenewalOutcome | undefined> {
  const certificate = await certificates.get(renewal.certificateName);
  if ((certificate?.current?.generation ?? 0) > renewal.generation) return 'superseded';
  if (renewal.issued) return undefined;
  if (!certificate || certificate.state === 'retired') return 'abandoned';
  const { policy } = certificate;
  const wanted =
    sameNames(policy.domains, renewal.policy.domains) && policy.keyType === renewal.policy.keyType;
  return wanted ? undefined : 'abandoned';
}

async function handOver({ ports, work }: RunRenewal, renewal: LeasedRenewal): Promise<RunResult> {
  const to = transitions[renewal.step].worker;
  await ports.renewals.release({ ...renewal, nextActionAt: secondsAfter(ports.clock.now(), resendSeconds) });
  await ports.queue.send(to, [work]);
  return { kind: 'handed-over', to };
}

async function waitUntil(
  { ports }: RunRenewal,
  renewal: LeasedRenewal,
  wait: { seconds: number; reason: string },
): Promise<RunResult> {
  const until = secondsAfter(ports.clock.now(), wait.seconds);
  await ports.renewals.release({ ...renewal, nextActionAt: until });
  return { kind: 'waiting', until, reason: wait.reason };
}

async function end(
  { ports, work }: RunRenewal,
  renewal: LeasedRenewal,
  outcome: RenewalOutcome,
): Promise<RunResult> {
  const now = ports.clock.now();
  const { nextActionAt: _, ...ended } = { ...renewal, outcome };
  if (outcome === 'renewed')
    await ports.runs.recordOutcome(describeOutcome(ended, { runId: work.runId, result: 'renewed', at: now }));
  if (outcome === 'abandoned') await lookAgain(ports, renewal);
  await ports.renewals.release(ended);
  return { kind: 'ended', outcome };
}

/** Brings the certificate of an abandoned renewal back before the scheduler at once. */
async function lookAgain({ certificates, clock }: RunnerPorts, { certificateName }: Renewal): Promise<void> {
  const certificate = await certificates.get(certificateName);
  if (!certificate) return;
  await certificates.postpone({
    name: certificateName,
    expectedAt: certificate.nextActionAt,
    nextActionAt: clock.now(),
  });
}

async function fail(
  { ports, work }: RunRenewal,
  renewal: LeasedRenewal,
  failure: Failure,
): Promise<RunResult> {
  // Without the store nothing can be kept; with a lost lease nothing may be.
  if (failure.code === 'store-unavailable' || failure.code === 'lease-lost') throw failure;
  const now = ports.clock.now();
  if (failure.code === 'deadline') {
    await ports.renewals.release({ ...renewal, nextActionAt: now });
    return { kind: 'waiting', until: now, reason: failure.message };
  }
  const attempts = renewal.attempts + 1;
  const retryAt = decideRetryAt(failure, { attempts, now, random: ports.random });
  const failed: LeasedRenewal = {
    ...renewal,
    attempts,
    lastProblem: { code: failure.code, message: failure.message, at: now, step: renewal.step },
    nextActionAt: retryAt,
    ...(orderEnders.includes(failure.code) && { step: 'place-order', order: undefined, challenges: [] }),
  };
  await ports.runs.recordOutcome(describeOutcome(failed, { runId: work.runId, result: 'failed', at: now }));
  await ports.renewals.release(failed);
  return { kind: 'failed', failure, retryAt };
}

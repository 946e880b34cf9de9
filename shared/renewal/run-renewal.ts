import type { TrackedCertificate } from '../certificates/certificate.ts';
import { secondsAfter } from '../runtime/clock.ts';
import { asFailure, Failure } from '../runtime/errors.ts';
import { decideAdmission } from './admission.ts';
import type { LeasedRenewal } from './renewal.ts';
import { end, fail, handOver, letGo, pause, rest, stepOverdue } from './settle.ts';
import type { StepOutcome } from './step.ts';
import { transitions } from './transitions.ts';
import type { RunRenewal, RunResult } from './worker.ts';

/** Waits inside one invocation, all together; beyond them the renewal is stored and sent again in its time. */
const waitInProcessSeconds = 30;
/** No new effect starts with less than this left; what a step needs to end and be saved. */
const marginMillis = 15_000;
const forgotten: readonly string[] = ['order-missing', 'acme-accountDoesNotExist'];
/** A step that waits longer than this for somebody else is reported and backs off. */
const stepAllowanceMillis = 30 * 60_000;

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
  // A message from before the renewal was handed on: its own worker has one of its own.
  if (!run.steps[claimed.step]) {
    await ports.renewals.release(claimed);
    return { kind: 'not-claimed' };
  }
  try {
    const certificate = await ports.certificates.get(claimed.certificateName);
    const admission = decideAdmission(claimed, certificate, now);
    if (admission.kind === 'end') return await end(run, claimed, admission.outcome);
    const renewal = { ...claimed, ...admission.changes, restsUntil: undefined };
    return await performSteps(run, renewal, certificate);
  } catch (error) {
    // Whoever took the renewal over carries it on; a redelivery would only meet their lease.
    if (asFailure(error).code === 'lease-lost') return { kind: 'not-claimed' };
    throw error;
  }
}

async function performSteps(
  run: RunRenewal,
  claimed: LeasedRenewal,
  certificate: TrackedCertificate | undefined,
): Promise<RunResult> {
  const { ports, deadline, steps } = run;
  const ensureTime = () => {
    if (deadline.signal.aborted || deadline.remainingMillis() <= 0) throw outOfTime(claimed);
  };
  let renewal = claimed;
  let resumed = true;
  let polls = 0;
  let waitedSeconds = 0;
  let ordersReplaced = 0;
  let keysChanged = 0;
  for (;;) {
    const step = steps[renewal.step];
    if (!step) return handOver(run, renewal);
    if (deadline.remainingMillis() < marginMillis)
      return pause(run, renewal, { seconds: 1, reason: 'out of time' });
    const now = ports.clock.now();
    renewal = { ...renewal, stepStartedAt: renewal.stepStartedAt ?? now };
    let outcome: StepOutcome;
    try {
      const context = { renewal, certificate, resumed, polls, signal: deadline.signal, ensureTime };
      outcome = await step(context);
    } catch (error) {
      const failure = asFailure(error);
      // A step that had the whole invocation would need it again, and again.
      if (failure.code === 'deadline' && !resumed)
        return pause(run, renewal, { seconds: 1, reason: failure.message });
      // Nothing was done under the old key, and the next connection has the new one.
      if (failure.code === 'account-key-changed' && keysChanged++ === 0) continue;
      // An order or account the CA forgot is no failure of the certificate: one new order is placed at once.
      if (!forgotten.includes(failure.code) || ordersReplaced++ > 0) return fail(run, renewal, failure);
      // Not void: what the CA has forgotten it may have issued.
      renewal = await letGo(run, renewal, 'left');
      outcome = { kind: 'done', changes: { order: undefined }, next: 'choose-ca' };
    }
    if (outcome.kind === 'ended') return end(run, renewal, outcome.outcome);
    renewal = { ...renewal, ...outcome.changes };
    if (outcome.kind === 'rest')
      return rest(run, { ...renewal, step: outcome.next ?? renewal.step }, outcome);
    if (outcome.kind === 'wait') {
      const stepMillis = now.getTime() - (renewal.stepStartedAt ?? now).getTime();
      if (stepMillis > stepAllowanceMillis) return fail(run, renewal, stepOverdue(renewal, outcome));
      waitedSeconds += outcome.seconds;
      const fits = outcome.seconds * 1000 + marginMillis <= deadline.remainingMillis();
      if (waitedSeconds > waitInProcessSeconds || !fits) return pause(run, renewal, outcome);
      await ports.clock.sleep(outcome.seconds * 1000, deadline.signal);
      polls += 1;
      continue;
    }
    const { next: usual } = transitions[renewal.step];
    const next = outcome.next ?? usual;
    if (next === 'end') return end(run, renewal, 'renewed');
    renewal = { ...renewal, step: next, stepStartedAt: undefined };
    polls = 0;
    if (!steps[next]) continue;
    const { record } = transitions[next];
    // What a worker before released is stored as far as it came; only one that vanished may have come further.
    if (record === 'stored' || !claimed.lease.takenOver) resumed = false;
    // A step that is returned to may have been left behind in another shape.
    if (record === 'stored' || outcome.next !== undefined) await ports.renewals.save(renewal);
  }
}

const outOfTime = ({ certificateName, step }: LeasedRenewal) =>
  new Failure({
    code: 'deadline',
    disposition: 'retry',
    message: `the worker of ${certificateName} outlived its time before ${step}; another one carries it on`,
  });

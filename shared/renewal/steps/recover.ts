import { secondsAfter } from '../../runtime/clock.ts';
import type { Failure } from '../../runtime/errors.ts';
import { deploymentAccount, limitsNameOf } from '../authorities.ts';
import { isOutage } from '../circuit.ts';
import {
  decideAfterValidation,
  findFailoverReason,
  isBeforeFinalize,
  ValidationFailed,
} from '../recovery.ts';
import type { LeasedRenewal } from '../renewal.ts';
import type { StepChanges } from '../step.ts';
import { addWarnings } from '../warnings.ts';
import type { OrderFate, Recovery } from '../worker.ts';
import { lookForCa } from './choose.ts';
import { chosenAuthority, type IssuePorts, toDemand } from './issue-step.ts';
import { withdrawAll } from './withdraw.ts';

/** Tells the fleet what a failure says about its CA, and finds what else there is to try. */
export async function recover(
  renewal: LeasedRenewal,
  failure: Failure,
  { ports, signal }: { ports: IssuePorts; signal: AbortSignal },
): Promise<Recovery> {
  if (!renewal.ca) return { changes: {} };
  const authority = chosenAuthority(renewal);
  const { directoryUrl } = authority;
  const { clock, circuits, limiter } = ports;
  let changes: StepChanges = {};
  if (failure instanceof ValidationFailed) {
    await limiter.recordFailedAuthorizations(limitsNameOf(authority), deploymentAccount, failure.names);
    changes = decideAfterValidation(renewal, failure, authority);
  } else if (renewal.ca.rehearsal) {
    // It told nothing about the names: the real CA is asked without it.
    const freed = await letGoOfOrder(renewal, ports, { fate: 'left', signal });
    return { changes: { ...freed, rehearse: false }, step: 'choose-ca', retryNow: true };
  }
  if (isOutage(failure.code))
    await circuits.recordFailure(directoryUrl, { now: clock.now(), reason: failure.code });
  const failover = findFailoverReason(renewal, failure);
  if (!failover) return { changes };
  const until = secondsAfter(clock.now(), failover.seconds);
  const passedOver = [...renewal.passedOver, { directoryUrl, reason: failover.reason, until }];
  const other = await lookForCa({ ...renewal, ...changes, passedOver }, ports);
  if (other.kind === 'none') return { changes };
  const freed = await letGoOfOrder(renewal, ports, { fate: 'left', signal });
  return {
    changes: { ...changes, ...freed, passedOver, ca: undefined, rehearse: false },
    step: 'choose-ca',
    retryNow: true,
  };
}

/** Gives back what the order holds at its CA and on show; the order itself expires there. */
export async function letGoOfOrder(
  renewal: LeasedRenewal,
  ports: IssuePorts,
  { fate, signal }: { fate: OrderFate; signal: AbortSignal },
): Promise<StepChanges> {
  const { remaining, problems } = await withdrawAll(renewal.challenges, ports, signal);
  const issued = renewal.issued !== undefined;
  if (renewal.ca && renewal.reservedAs && !issued) {
    const mayIssue = fate === 'left' && !isBeforeFinalize(renewal.step);
    // A newOrder whose answer is missing may have been counted all the same.
    const orderCreated = renewal.order !== undefined || renewal.step === 'place-order';
    if (mayIssue) await ports.limiter.commit(toDemand(renewal));
    else await ports.limiter.release(toDemand(renewal), { orderCreated });
  }
  return {
    challenges: remaining,
    warnings: addWarnings(renewal.warnings, problems),
    ...(issued ? {} : { order: undefined, replaces: undefined, reservedAs: undefined }),
  };
}

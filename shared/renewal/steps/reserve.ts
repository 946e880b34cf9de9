import { decidePatience } from '../decide-ca.ts';
import { decideExemption } from '../exemption.ts';
import { orderedNames, type PassedOver } from '../renewal.ts';
import type { StepContext, StepOutcome } from '../step.ts';
import { lookForCa } from './choose.ts';
import { chosenAuthority, type IssuePorts, type IssueStep, toDemand } from './issue-step.ts';

/**
 * Takes the order's share of every rate limit of its CA before the CA is asked. Where one is used up the renewal
 * rests until it frees, or goes to another CA when the certificate cannot wait that long.
 */
export const reserveLimits: IssueStep = async (context, ports) => {
  const { renewal, certificate } = context;
  const { directoryUrl } = chosenAuthority(renewal);
  const exemption = decideExemption(certificate, {
    domains: orderedNames(renewal),
    directoryUrl,
    replaces: renewal.replaces,
    now: ports.clock.now(),
  });
  const reservation = await ports.limiter.reserve({ ...toDemand(renewal), exemption });
  if (reservation.kind === 'granted') return { kind: 'done', changes: { reservedAs: exemption } };
  const { bucket, freeAt } = reservation;
  const reason = `the rate limit ${bucket} frees at ${freeAt.toISOString()}`;
  return waitForLimit(context, ports, { reason, until: freeAt });
};

/** Where a renewal goes that is over a limit of its CA: to another CA, or to rest until it may ask again. */
export async function waitForLimit(
  context: StepContext,
  ports: IssuePorts,
  { reason, until }: { reason: string; until: Date },
): Promise<Extract<StepOutcome, { kind: 'done' | 'rest' }>> {
  // A rehearsal is worth no wait: the real CA is asked instead.
  if (context.renewal.ca?.rehearsal) return { kind: 'done', changes: { rehearse: false }, next: 'choose-ca' };
  const elsewhere = await passOver(context, ports, { reason, until });
  return elsewhere ?? { kind: 'rest', until, reason, next: 'reserve-limits' };
}

/** On to another CA, where one can issue and the certificate cannot wait for this one. */
async function passOver(
  { renewal, certificate }: StepContext,
  ports: IssuePorts,
  { reason, until }: { reason: string; until: Date },
): Promise<Extract<StepOutcome, { kind: 'done' }> | undefined> {
  if (until <= decidePatience(certificate, ports.clock.now())) return undefined;
  const { directoryUrl } = chosenAuthority(renewal);
  const passedOver: readonly PassedOver[] = [...renewal.passedOver, { directoryUrl, reason, until }];
  const other = await lookForCa({ ...renewal, passedOver }, ports);
  if (other.kind === 'none') return undefined;
  // Held on, it would be missing here for as long as an order lives. What was ordered stays counted.
  if (renewal.reservedAs) await ports.limiter.release(toDemand(renewal), { orderCreated: true });
  return { kind: 'done', changes: { passedOver, ca: undefined }, next: 'choose-ca' };
}

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
  // A rehearsal is worth no wait: the real CA is asked instead.
  if (renewal.ca?.rehearsal) return { kind: 'done', changes: { rehearse: false }, next: 'choose-ca' };
  return (
    (await passOver(context, ports, { reason, until: freeAt })) ?? { kind: 'rest', until: freeAt, reason }
  );
};

/** On to another CA, where one can issue and the certificate cannot wait for this one. */
async function passOver(
  { renewal, certificate }: StepContext,
  ports: IssuePorts,
  { reason, until }: { reason: string; until: Date },
): Promise<StepOutcome | undefined> {
  if (until <= decidePatience(certificate, ports.clock.now())) return undefined;
  const { directoryUrl } = chosenAuthority(renewal);
  const passedOver: readonly PassedOver[] = [...renewal.passedOver, { directoryUrl, reason, until }];
  const other = await lookForCa({ ...renewal, passedOver }, ports);
  if (other.kind === 'none') return undefined;
  return { kind: 'done', changes: { passedOver, ca: undefined }, next: 'choose-ca' };
}

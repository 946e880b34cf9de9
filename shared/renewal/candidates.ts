import type { CertificateAuthority } from '../acme/catalogue.ts';
import type { TrackedCertificate } from '../certificates/certificate.ts';
import {
  chooseNextLook,
  chooseRenewalTime,
  type DueReason,
  findDueReason,
  isPollDue,
} from '../certificates/due.ts';
import type { PlannedDemand } from '../limits/forecast.ts';
import { registeredDomainOf } from '../limits/registered-domain.ts';
import { Failure } from '../runtime/errors.ts';
import type { Turn } from './fair-order.ts';
import { type Circumstances, chooseAuthority, chooseDemand, findKnown } from './plan-demand.ts';
import type { PassedOver, Renewal, StepName } from './renewal.ts';

/** A renewal that wants its turn at its CA: one still to be opened, or one opened and not yet reserved. */
export interface Candidate extends Turn {
  readonly reason: DueReason;
  readonly authority: CertificateAuthority;
  readonly demand: PlannedDemand;
  /** CAs whose limits would hold it up longer than it can wait. */
  readonly passedOver?: readonly PassedOver[] | undefined;
  /**
   * `called`: its place in the plan has come; `displaced`: it has waited beyond its place, or was opened already;
   * `new`: it has no place yet.
   */
  readonly standing: 'new' | 'called' | 'displaced';
  /** A person asked for it: it is renewed though it may not be due, and woken if it rests. */
  readonly forced: boolean;
  readonly certificate: TrackedCertificate;
  readonly open?: Renewal | undefined;
}

export interface Tick {
  readonly now: Date;
  readonly nextTickAt: Date;
}

/** What the scheduler does with a certificate whose time has come. */
export type Look =
  | { readonly kind: 'renew'; readonly reason: DueReason }
  /** It has a place in the plan that has not come. */
  | { readonly kind: 'planned' }
  /** Only the CA's renewal information is to be asked for (RFC 9773, 4.3). */
  | { readonly kind: 'poll' }
  | { readonly kind: 'wait'; readonly until: Date };

/** Failed attempts after which a renewal waits behind those that may still succeed. */
const failingAttempts = 2;

export function lookAt(certificate: TrackedCertificate, tick: Tick): Look {
  if (certificate.plannedAt && certificate.nextActionAt > tick.now) return { kind: 'planned' };
  const reason = findDueReason(certificate, tick);
  if (reason) return { kind: 'renew', reason };
  if (isPollDue(certificate, tick.nextTickAt)) return { kind: 'poll' };
  const next = chooseNextLook({ ...certificate, plannedAt: undefined });
  return { kind: 'wait', until: next > tick.nextTickAt ? next : tick.nextTickAt };
}

const unreserved: readonly StepName[] = ['choose-ca', 'stage-key', 'reserve-limits'];

/** Whether a renewal at this step has still to ask for its share of the CA's limits. */
export const isUnreserved = (step: StepName): boolean => unreserved.includes(step);

/** @throws Failure `no-ca-available` (the deployment has none) */
export function toCandidate(
  certificate: TrackedCertificate,
  reason: DueReason,
  given: Circumstances & { readonly forced?: boolean },
): Candidate {
  const { now, preferred, open, forced = false } = given;
  const { name, policy, current } = certificate;
  // Where none can issue it now, its worker finds out why and keeps it; at the first choice it costs nothing.
  const firstChoice = policy.ca === undefined ? undefined : findKnown(policy.ca);
  const authority = chooseAuthority(certificate, given) ?? firstChoice ?? preferred[0];
  if (!authority) throw noCa(name);
  return {
    name,
    domain: registeredDomainOf(policy.domains[0] ?? name),
    failing: open !== undefined && (open.quarantinedAt !== undefined || open.attempts >= failingAttempts),
    dueAt: open?.openedAt ?? findDueAt(certificate, reason),
    expiresAt: current?.notAfter,
    reason: open?.reason ?? reason,
    authority,
    demand: chooseDemand(certificate, authority, { now, open }),
    standing: open ? 'displaced' : findStanding(certificate),
    forced,
    certificate,
    open,
  };
}

/** The place stays as it was first given, whenever the certificate is looked at next. */
function findStanding({ plannedAt, nextActionAt }: TrackedCertificate): Candidate['standing'] {
  if (!plannedAt) return 'new';
  return plannedAt < nextActionAt ? 'displaced' : 'called';
}

/** What changed in the policy is due since then; nextActionAt may also be the time of a poll. */
function findDueAt(certificate: TrackedCertificate, { code }: DueReason): Date {
  const { current, policy, advice, plannedAt, nextActionAt } = certificate;
  const byTime = code === 'expiring' || code === 'announced';
  return current && byTime ? chooseRenewalTime(current, policy, advice) : (plannedAt ?? nextActionAt);
}

const noCa = (name: string) =>
  new Failure({
    code: 'no-ca-available',
    disposition: 'give-up',
    message: `no CA is configured to issue ${name}`,
  });

import type { IssuedCertificate } from '../certificates/certificate.ts';
import { dueShardOf } from '../certificates/due-index.ts';
import type { Lease, Renewal, RenewalProblem } from './renewal.ts';

type WithInstants<T, Keys extends keyof T> = Omit<T, Keys> & { [Key in Keys]: string };

type RenewalInstant = 'openedAt' | 'stepStartedAt' | 'nextActionAt' | 'restsUntil';

/** A renewal as stored: instants as ISO 8601 text, which sorts as time does. */
export interface RenewalItem extends Omit<Renewal, 'issued' | 'lastProblem' | RenewalInstant> {
  issued?: WithInstants<IssuedCertificate, 'notBefore' | 'notAfter'> | undefined;
  lastProblem?: WithInstants<RenewalProblem, 'at'> | undefined;
  openedAt: string;
  stepStartedAt?: string | undefined;
  nextActionAt?: string | undefined;
  restsUntil?: string | undefined;
  /** Present while the renewal is open; its absence takes it out of the due index. */
  dueShard?: string | undefined;
  fence: number;
  leaseOwner?: string | undefined;
  leaseUntil?: string | undefined;
}

const instantText = (instant: Date): string => instant.toISOString();
const optional = <T, U>(value: T | undefined, convert: (value: T) => U): U | undefined =>
  value === undefined ? undefined : convert(value);

export function toItem(
  renewal: Renewal & { lease?: Lease | undefined },
  held: { fence: number; lease?: Lease },
): RenewalItem {
  const {
    lease: _,
    issued,
    lastProblem,
    openedAt,
    stepStartedAt,
    nextActionAt,
    restsUntil,
    ...plain
  } = renewal;
  return {
    ...plain,
    openedAt: instantText(openedAt),
    stepStartedAt: optional(stepStartedAt, instantText),
    nextActionAt: optional(nextActionAt, instantText),
    restsUntil: optional(restsUntil, instantText),
    issued: optional(issued, ({ notBefore, notAfter, ...rest }) => ({
      ...rest,
      notBefore: instantText(notBefore),
      notAfter: instantText(notAfter),
    })),
    lastProblem: optional(lastProblem, (problem) => ({ ...problem, at: instantText(problem.at) })),
    fence: held.fence,
    ...(renewal.outcome ? {} : { dueShard: dueShardOf(renewal.certificateName) }),
    ...(held.lease && { leaseOwner: held.lease.owner, leaseUntil: instantText(held.lease.until) }),
  };
}

export function fromItem(item: RenewalItem): Renewal {
  const { dueShard: _d, fence: _f, leaseOwner: _o, leaseUntil: _u, ...stored } = item;
  const { issued, lastProblem, openedAt, stepStartedAt, nextActionAt, restsUntil, ...plain } = stored;
  return {
    ...plain,
    openedAt: new Date(openedAt),
    ...(stepStartedAt && { stepStartedAt: new Date(stepStartedAt) }),
    ...(nextActionAt && { nextActionAt: new Date(nextActionAt) }),
    ...(restsUntil && { restsUntil: new Date(restsUntil) }),
    ...(issued && {
      issued: { ...issued, notBefore: new Date(issued.notBefore), notAfter: new Date(issued.notAfter) },
    }),
    ...(lastProblem && { lastProblem: { ...lastProblem, at: new Date(lastProblem.at) } }),
  };
}

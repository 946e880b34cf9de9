import type { IssuedCertificate } from '../certificates/certificate.ts';
import { dueShardOf } from '../certificates/due-index.ts';
import type { Lease, Renewal, RenewalProblem } from './renewal.ts';

type WithInstants<T, Keys extends keyof T> = Omit<T, Keys> & { [Key in Keys]: string };

/** A renewal as stored: instants as ISO 8601 text, which sorts as time does. */
export interface RenewalItem extends Omit<Renewal, 'issued' | 'lastProblem' | 'openedAt' | 'nextActionAt'> {
  issued?: WithInstants<IssuedCertificate, 'notBefore' | 'notAfter'> | undefined;
  lastProblem?: WithInstants<RenewalProblem, 'at'> | undefined;
  openedAt: string;
  nextActionAt?: string | undefined;
  /** Present while the renewal is open; its absence takes it out of the due index. */
  dueShard?: string | undefined;
  fence: number;
  leaseOwner?: string | undefined;
  leaseUntil?: string | undefined;
}

export const instantText = (instant: Date): string => instant.toISOString();

export function toItem(
  renewal: Renewal & { lease?: Lease | undefined },
  held: { fence: number; lease?: Lease },
): RenewalItem {
  const { lease: _, issued, lastProblem, openedAt, nextActionAt, ...plain } = renewal;
  return {
    ...plain,
    openedAt: instantText(openedAt),
    fence: held.fence,
    ...(issued && {
      issued: { ...issued, notBefore: instantText(issued.notBefore), notAfter: instantText(issued.notAfter) },
    }),
    ...(lastProblem && { lastProblem: { ...lastProblem, at: instantText(lastProblem.at) } }),
    ...(nextActionAt && { nextActionAt: instantText(nextActionAt) }),
    ...(renewal.outcome ? {} : { dueShard: dueShardOf(renewal.certificateName) }),
    ...(held.lease && { leaseOwner: held.lease.owner, leaseUntil: instantText(held.lease.until) }),
  };
}

export function fromItem(item: RenewalItem): Renewal {
  const { dueShard: _d, fence: _f, leaseOwner: _o, leaseUntil: _u, ...stored } = item;
  const { issued, lastProblem, openedAt, nextActionAt, ...plain } = stored;
  return {
    ...plain,
    openedAt: new Date(openedAt),
    ...(issued && {
      issued: { ...issued, notBefore: new Date(issued.notBefore), notAfter: new Date(issued.notAfter) },
    }),
    ...(lastProblem && { lastProblem: { ...lastProblem, at: new Date(lastProblem.at) } }),
    ...(nextActionAt && { nextActionAt: new Date(nextActionAt) }),
  };
}

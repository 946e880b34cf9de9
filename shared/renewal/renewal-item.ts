import type { IssuedCertificate } from '../certificates/certificate.ts';
import { dueShardOf } from '../certificates/due-index.ts';
import type { Lease, PassedOver, Renewal, RenewalProblem } from './renewal.ts';

type WithInstants<T, Keys extends keyof T> = Omit<T, Keys> & { [Key in Keys]: string };

const optionalInstants = [
  'stepStartedAt',
  'nextActionAt',
  'restsUntil',
  'quarantinedAt',
  'pausedAt',
] as const;
type OptionalInstant = (typeof optionalInstants)[number];

/** A renewal as stored: instants as ISO 8601 text, which sorts as time does. */
export interface RenewalItem
  extends Omit<Renewal, 'issued' | 'lastProblem' | 'passedOver' | 'openedAt' | OptionalInstant>,
    Partial<Record<OptionalInstant, string | undefined>> {
  issued?: WithInstants<IssuedCertificate, 'notBefore' | 'notAfter'> | undefined;
  lastProblem?: WithInstants<RenewalProblem, 'at'> | undefined;
  passedOver: readonly WithInstants<PassedOver, 'until'>[];
  openedAt: string;
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
  const { lease: _, issued, lastProblem, passedOver, openedAt, ...rest } = renewal;
  const instants = Object.fromEntries(
    optionalInstants.map((name) => [name, optional(renewal[name], instantText)]),
  );
  return {
    ...(rest as Omit<typeof rest, OptionalInstant>),
    ...instants,
    openedAt: instantText(openedAt),
    passedOver: passedOver.map((entry) => ({ ...entry, until: instantText(entry.until) })),
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
  const { issued, lastProblem, passedOver, openedAt, ...plain } = stored;
  const instants = optionalInstants.flatMap((name) => {
    const text = stored[name];
    return text === undefined ? [] : [[name, new Date(text)] as const];
  });
  return {
    ...(plain as Omit<typeof plain, OptionalInstant>),
    ...Object.fromEntries(instants),
    openedAt: new Date(openedAt),
    passedOver: passedOver.map((entry) => ({ ...entry, until: new Date(entry.until) })),
    ...(issued && {
      issued: { ...issued, notBefore: new Date(issued.notBefore), notAfter: new Date(issued.notAfter) },
    }),
    ...(lastProblem && { lastProblem: { ...lastProblem, at: new Date(lastProblem.at) } }),
  };
}

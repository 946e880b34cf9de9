import type { IssuedCertificate, RenewalAdvice, TrackedCertificate } from './certificate.ts';
import { dueShardOf } from './due-index.ts';

type WithTexts<T, Field extends keyof T> = Omit<T, Field> & Record<Field, string>;

/** A certificate as DynamoDB holds it: every instant as ISO 8601 text, which sorts as time does. */
export interface CertificateItem
  extends Omit<TrackedCertificate, 'current' | 'advice' | 'plannedAt' | 'nextActionAt'> {
  readonly current?: WithTexts<IssuedCertificate, 'notBefore' | 'notAfter'>;
  readonly advice?: AdviceItem;
  readonly plannedAt?: string;
  readonly nextActionAt: string;
  /** Absent once retired, which takes the item out of the due index. */
  readonly dueShard?: string;
}

interface AdviceItem extends Omit<RenewalAdvice, 'window' | 'renewAt' | 'nextPollAt'> {
  readonly window?: { readonly start: string; readonly end: string } | undefined;
  readonly renewAt?: string | undefined;
  readonly nextPollAt: string;
}

export const newItem = ({
  name,
  policy,
  now,
}: Pick<TrackedCertificate, 'name' | 'policy'> & { now: Date }): CertificateItem => ({
  name,
  policy,
  state: 'tracked',
  generation: 0,
  dueShard: dueShardOf(name),
  nextActionAt: now.toISOString(),
});

export const toIssuedItem = (issued: IssuedCertificate): NonNullable<CertificateItem['current']> => ({
  ...issued,
  notBefore: issued.notBefore.toISOString(),
  notAfter: issued.notAfter.toISOString(),
});

export const toAdviceItem = ({ window, renewAt, nextPollAt, ...advice }: RenewalAdvice): AdviceItem => ({
  ...advice,
  window: window && { start: window.start.toISOString(), end: window.end.toISOString() },
  renewAt: renewAt?.toISOString(),
  nextPollAt: nextPollAt.toISOString(),
});

export function fromItem(item: CertificateItem): TrackedCertificate {
  const { current, advice, plannedAt } = item;
  return {
    name: item.name,
    policy: item.policy,
    state: item.state,
    generation: item.generation,
    current: current && {
      ...current,
      notBefore: new Date(current.notBefore),
      notAfter: new Date(current.notAfter),
    },
    advice: advice && fromAdviceItem(advice),
    plannedAt: plannedAt === undefined ? undefined : new Date(plannedAt),
    nextActionAt: new Date(item.nextActionAt),
  };
}

const fromAdviceItem = ({ window, renewAt, nextPollAt, ...advice }: AdviceItem): RenewalAdvice => ({
  ...advice,
  window: window && { start: new Date(window.start), end: new Date(window.end) },
  renewAt: renewAt === undefined ? undefined : new Date(renewAt),
  nextPollAt: new Date(nextPollAt),
});

import { domainKey, failuresKey, ordersKey, setKey } from './bucket-keys.ts';
import { type Limit, unmetered } from './gcra.ts';
import type { CaLimits } from './published-limits.ts';
import { registeredDomainOf } from './registered-domain.ts';

/** One order that somebody wants to place. */
export interface Demand {
  readonly ca: string;
  readonly account: string;
  readonly domains: readonly string[];
  /**
   * What the CA waives (Let's Encrypt's rate limits; Boulder's checkNewOrderLimits):
   * `same-set`: a certificate for exactly these names was issued in the last 120 days: neither orders nor domains
   * are counted; `ari`: the order replaces such a certificate inside its suggested window: no limit is asked;
   * `ari-changed-set`: as `ari`, but the names differ, so that the domains are counted when it issues.
   */
  readonly exemption: 'none' | 'same-set' | 'ari' | 'ari-changed-set';
  /** Who takes the tokens, the same whoever works on it: one certificate's generation. */
  readonly holder: string;
}

export type MeterKind = 'set' | 'failures' | 'domain' | 'orders';

/** One bucket a demand has to do with, and the limit published for it. */
export interface Meter {
  readonly kind: MeterKind;
  readonly key: string;
  readonly limit: Limit;
}

/** The buckets that count a certificate for these names, whether or not this demand is exempt from them. */
function metersOfNames({ ca, account, domains }: Demand, limits: CaLimits): Meter[] {
  const { certificatesPerSet, failedAuthorizations, certificatesPerDomain } = limits;
  const perKey = (kind: MeterKind, keys: readonly string[], limit: Limit | undefined): Meter[] =>
    limit ? [...new Set(keys)].sort().map((key) => ({ kind, key, limit })) : [];
  return [
    ...perKey('set', [setKey(ca, domains)], certificatesPerSet),
    ...perKey(
      'failures',
      failedAuthorizations ? domains.map((name) => failuresKey(ca, { account, name })) : [],
      failedAuthorizations,
    ),
    ...perKey(
      'domain',
      certificatesPerDomain ? domains.map((name) => domainKey(ca, registeredDomainOf(name))) : [],
      certificatesPerDomain,
    ),
  ];
}

/**
 * The buckets that have to have a token before newOrder, in the order in which everybody takes them. The orders
 * bucket comes last, since a token spent there is the hardest to give back; where a CA publishes no such limit it
 * is unmetered, but may be held off.
 */
export function metersOf(demand: Demand, limits: CaLimits): readonly Meter[] {
  const { ca, account, exemption } = demand;
  if (exemption === 'ari' || exemption === 'ari-changed-set') return [];
  const orders: Meter = {
    kind: 'orders',
    key: ordersKey(ca, account),
    limit: limits.ordersPerAccount ?? unmetered,
  };
  const named = metersOfNames(demand, limits);
  if (exemption === 'none') return [...named, orders];
  return named.filter(({ kind }) => kind !== 'domain');
}

/** The buckets in which the CA counts the certificate once it is issued. */
export function metersOfIssuance(demand: Demand, limits: CaLimits): readonly Meter[] {
  const countsDomains = demand.exemption === 'none' || demand.exemption === 'ari-changed-set';
  return metersOfNames(demand, limits).filter(
    ({ kind }) => kind === 'set' || (kind === 'domain' && countsDomains),
  );
}

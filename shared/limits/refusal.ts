import { accountsKey, domainKey, failuresKey, ordersKey, requestsKey, setKey } from './bucket-keys.ts';
import { type Limit, unmetered } from './gcra.ts';
import { type CaLimits, type Endpoint, endpoints } from './published-limits.ts';
import { registeredDomainOf } from './registered-domain.ts';

/** What a CA said when it refused for a limit of its own. */
export interface Refusal {
  readonly limit: 'orders' | 'domain' | 'set' | 'failed-authorizations' | 'accounts' | 'requests' | 'unknown';
  /** The names it complains of; for a set all of the order's. */
  readonly names: readonly string[];
  readonly retryAfterSeconds: number;
  /** Which requests were too many, when that is known. */
  readonly endpoint?: Endpoint | undefined;
}

interface RefusedMeter {
  readonly key: string;
  readonly limit: Limit;
}

/**
 * The buckets that a refusal holds off. What the CA does not name, or does not publish, holds off every new order
 * of the account: nothing narrower is known to be refused.
 */
export function metersOfRefusal({
  ca,
  account,
  refusal,
  limits,
}: {
  ca: string;
  account: string;
  refusal: Refusal;
  limits: CaLimits;
}): readonly RefusedMeter[] {
  const { limit, names, endpoint } = refusal;
  const orders = { key: ordersKey(ca, account), limit: limits.ordersPerAccount ?? unmetered };
  const narrowed = (published: Limit | undefined, keys: readonly string[]): readonly RefusedMeter[] =>
    published && keys.length > 0 ? [...new Set(keys)].map((key) => ({ key, limit: published })) : [orders];
  if (limit === 'domain')
    return narrowed(
      limits.certificatesPerDomain,
      names.map((name) => domainKey(ca, registeredDomainOf(name))),
    );
  if (limit === 'set')
    return narrowed(limits.certificatesPerSet, names.length > 0 ? [setKey(ca, names)] : []);
  if (limit === 'failed-authorizations')
    return narrowed(
      limits.failedAuthorizations,
      names.map((name) => failuresKey(ca, { account, name })),
    );
  if (limit === 'accounts') return [{ key: accountsKey(ca), limit: limits.newAccounts ?? unmetered }];
  if (limit === 'requests')
    return (endpoint ? [endpoint] : endpoints).flatMap((each) => {
      const rate = limits.requests[each];
      if (!rate) return [];
      return [
        {
          key: requestsKey(ca, each),
          limit: { burst: rate.burst, periodSeconds: rate.burst / rate.perSecond },
        },
      ];
    });
  return [orders];
}

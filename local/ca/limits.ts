import type { Clock } from '../../shared/runtime/clock.ts';
import { type Rate, TokenBuckets } from './token-buckets.ts';

/** What is counted against an account, a name, a set of names or an address. */
export interface IssuanceLimits {
  readonly newAccounts?: Rate;
  readonly ordersPerAccount?: Rate;
  /** Per registered domain, over all accounts. */
  readonly certificatesPerDomain?: Rate;
  /** Per exact set of names, over all accounts. */
  readonly certificatesPerSet?: Rate;
  /** Per identifier and account. */
  readonly failedAuthorizations?: Rate;
}

export type LimitedResource =
  | 'newNonce'
  | 'newAccount'
  | 'newOrder'
  | 'revokeCert'
  | 'renewalInfo'
  | 'directory'
  /** Every other resource below /acme/. */
  | 'acme';

export interface RequestRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A limit that is absent does not exist. */
export interface CaLimits extends IssuanceLimits {
  readonly requests?: Readonly<Partial<Record<LimitedResource, RequestRate>>>;
  /** Consecutive failed authorizations of an identifier by an account until the pair is paused. */
  readonly pauseAfterFailures?: number;
  /** The limits' time runs this many times as fast as the clock; 1 when absent. */
  readonly timeScale?: number;
}

export type LimitName = keyof IssuanceLimits;

const hour = 3600;
const week = 7 * 24 * hour;

/** Let's Encrypt's production limits (letsencrypt.org/docs/rate-limits, 2026-08-05). */
export const letsEncryptLimits = {
  newAccounts: { burst: 10, periodSeconds: 3 * hour },
  ordersPerAccount: { burst: 300, periodSeconds: 3 * hour },
  certificatesPerDomain: { burst: 50, periodSeconds: week },
  certificatesPerSet: { burst: 5, periodSeconds: week },
  failedAuthorizations: { burst: 5, periodSeconds: hour },
  requests: {
    newNonce: { perSecond: 20, burst: 10 },
    newAccount: { perSecond: 5, burst: 15 },
    newOrder: { perSecond: 300, burst: 200 },
    revokeCert: { perSecond: 10, burst: 100 },
    renewalInfo: { perSecond: 1000, burst: 100 },
    acme: { perSecond: 250, burst: 125 },
    directory: { perSecond: 40, burst: 40 },
  },
  pauseAfterFailures: 1152,
} as const satisfies CaLimits;

/** The limits in force, and what has been spent of them. */
export interface LimitBook {
  readonly limits: CaLimits;
  readonly buckets: TokenBuckets;
}

export const openLimitBook = (limits: CaLimits, clock: Clock): LimitBook => ({
  limits,
  buckets: new TokenBuckets({ clock, timeScale: limits.timeScale ?? 1 }),
});

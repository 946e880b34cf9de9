import type { Authority } from './authority.ts';
import { BackgroundTasks } from './background.ts';
import type { AcmeCaOptions } from './ca-options.ts';
import { reopenInterrupted } from './challenges.ts';
import { Faults } from './faults.ts';
import type { Hierarchy } from './hierarchy.ts';
import { createIssuer } from './issuance.ts';
import { Ledger } from './ledger.ts';
import { openLimitBook } from './limits.ts';
import { Nonces } from './nonces.ts';
import { openProfiles } from './profiles.ts';
import type { Store } from './store.ts';
import type { Urls } from './urls.ts';

/** The CA that the options ask for, before it listens to anybody; absent options get their defaults here. */
export function createAuthority(
  options: AcmeCaOptions & Required<Pick<AcmeCaOptions, 'clock' | 'random'>>,
  { store, urls, hierarchy }: { store: Store; urls: Urls; hierarchy: Hierarchy },
): Authority {
  const { clock, random, validitySeconds, httpPort, tlsPort, dnsServer } = options;
  const profiles = openProfiles({ validitySeconds, offered: options.profiles ?? true });
  return {
    clock,
    random,
    store,
    urls,
    nonces: new Nonces({ random, rejectedShare: options.badNonceRate ?? 0.05 }),
    ledger: new Ledger({ store, urls, now: () => clock.now() }),
    issuer: createIssuer({
      intermediate: hierarchy.intermediate,
      validitySeconds: profiles.default.validitySeconds,
    }),
    alternates: hierarchy.alternates,
    background: new BackgroundTasks(),
    interrupted: reopenInterrupted(store),
    validation: { httpPort, tlsPort, dnsServer },
    authorizationReuse: options.authorizationReuse ?? true,
    finalizeMillis: options.finalizeMillis ?? 200,
    preauthorized: options.preauthorized ?? false,
    profiles,
    limitBook: openLimitBook(options.limits ?? {}, clock),
    renewalInfo:
      options.renewalInfo === false
        ? undefined
        : { retryAfterSeconds: options.renewalInfoRetryAfterSeconds ?? 6 * 3600, moved: new Map() },
    faults: new Faults(),
    externalAccounts: options.externalAccounts,
  };
}

import type { Authority } from './authority.ts';
import type { LimitName } from './limits.ts';
import { AcmeProblem } from './problem.ts';
import { coverOf } from './registered-domain.ts';
import type { Rate } from './token-buckets.ts';

/** One bucket that an action is held against. */
interface Charge {
  readonly limit: LimitName;
  /** Tells buckets of one limit apart: an account, a name, a set of names. */
  readonly subject: string;
}

/** The words of Boulder's ratelimits/limiter.go; clients read the limit out of them. */
const complaints: Readonly<Record<LimitName, (burst: number, name: string) => string>> = {
  newAccounts: (burst) => `too many new registrations (${burst}) from this IP address`,
  ordersPerAccount: (burst) => `too many new orders (${burst}) from this account`,
  certificatesPerDomain: (burst, name) => `too many certificates (${burst}) already issued for "${name}"`,
  certificatesPerSet: (burst) =>
    `too many certificates (${burst}) already issued for this exact set of domains`,
  failedAuthorizations: (burst, name) => `too many failed authorizations (${burst}) for "${name}"`,
};

/**
 * Spends a registration of this one machine (all clients are 127.0.0.1).
 * @throws AcmeProblem `rateLimited`
 */
export function spendNewAccount(authority: Authority): void {
  const charge: Charge = { limit: 'newAccounts', subject: '127.0.0.1' };
  refuseIfEmpty(authority, [charge]);
  take(authority, charge);
}

/**
 * Checks every limit of a newOrder as Boulder does (wfe2 checkNewOrderLimits) and spends the account's; the
 * others are spent when it comes to that. A renewal of the same names is free of the account's and the domains'.
 * @returns what gives the order back, for when it cannot be created
 * @throws AcmeProblem `rateLimited` with the limit that is furthest from letting it pass
 */
export function spendNewOrder(
  authority: Authority,
  order: { accountId: string; names: readonly string[]; isRenewal: boolean },
): () => void {
  const { accountId, names, isRenewal } = order;
  const account: Charge = { limit: 'ordersPerAccount', subject: accountId };
  refuseIfEmpty(authority, [
    ...(isRenewal ? [] : [account, ...domainCharges(names)]),
    ...names.map((name) => failureCharge(accountId, name)),
    setCharge(names),
  ]);
  if (isRenewal) return () => {};
  take(authority, account);
  return () => {
    const rate = authority.limitBook.limits.ordersPerAccount;
    if (rate !== undefined) authority.limitBook.buckets.giveBack(bucketKey(account), rate);
  };
}

/** A certificate exists now: its set is spent, and its domains unless it renews the same names. */
export function spendIssued(
  authority: Authority,
  certificate: { names: readonly string[]; isRenewal: boolean },
): void {
  const { names, isRenewal } = certificate;
  // Like Boulder's, this spends what is there: nobody is refused a certificate that exists.
  for (const charge of [setCharge(names), ...(isRenewal ? [] : domainCharges(names))])
    take(authority, charge);
}

/** `name` as ordered, a wildcard with its `*.`. */
export const spendFailure = (authority: Authority, accountId: string, name: string): void =>
  take(authority, failureCharge(accountId, name));

const setCharge = (names: readonly string[]): Charge => ({
  limit: 'certificatesPerSet',
  subject: names.join(' '),
});

const failureCharge = (accountId: string, name: string): Charge => ({
  limit: 'failedAuthorizations',
  subject: `${accountId} ${name}`,
});

const domainCharges = (names: readonly string[]): Charge[] =>
  [...new Set(names.map(coverOf))].map((subject) => ({ limit: 'certificatesPerDomain', subject }));

const bucketKey = ({ limit, subject }: Charge): string => `${limit} ${subject}`;

function take({ limitBook: { limits, buckets } }: Authority, charge: Charge): void {
  const rate = limits[charge.limit];
  if (rate !== undefined) buckets.take(bucketKey(charge), rate);
}

function refuseIfEmpty(authority: Authority, charges: readonly Charge[]): void {
  const { limits, buckets } = authority.limitBook;
  const waits = charges.flatMap((charge) => {
    const rate = limits[charge.limit];
    const waitSeconds = rate === undefined ? 0 : buckets.secondsUntilToken(bucketKey(charge), rate);
    return rate !== undefined && waitSeconds > 0 ? [{ charge, rate, waitSeconds }] : [];
  });
  const [furthest] = waits.sort((one, other) => other.waitSeconds - one.waitSeconds);
  if (furthest !== undefined) throw rateLimited(authority, furthest);
}

function rateLimited(
  { clock, random, urls }: Authority,
  { charge, rate, waitSeconds }: { charge: Charge; rate: Rate; waitSeconds: number },
): AcmeProblem {
  // Up to 3 % on top, as Boulder adds them, so that the refused do not all come back together.
  const retryAfterSeconds = Math.ceil(waitSeconds * (1 + 0.03 * random()) - 1e-6);
  const retryAt = new Date(Math.ceil(clock.now().getTime() / 1000 + retryAfterSeconds) * 1000);
  const complaint = complaints[charge.limit](rate.burst, charge.subject.split(' ').at(-1) ?? '');
  const until = retryAt.toISOString().slice(0, 19).replace('T', ' ');
  return new AcmeProblem(
    'rateLimited',
    `${complaint} in the last ${printPeriod(rate.periodSeconds)}, retry after ${until} UTC`,
    {
      limit: charge.limit,
      headers: { 'retry-after': String(retryAfterSeconds) },
      links: [`<${urls.rateLimits}>;rel="help"`],
    },
  );
}

/** As Go prints durations: 168h0m0s. */
function printPeriod(seconds: number): string {
  const [hours, minutes, rest] = [
    Math.floor(seconds / 3600),
    Math.floor((seconds % 3600) / 60),
    seconds % 60,
  ];
  if (hours > 0) return `${hours}h${minutes}m${rest}s`;
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`;
}

import { secondsAfter } from '../../shared/runtime/clock.ts';
import { type AcmeReply, type Authority, newId, printInstant } from './authority.ts';
import { authorizeName } from './authorizations.ts';
import { readIdentifiers } from './identifiers.ts';
import { spendNewOrder } from './issuance-limits.ts';
import { showOrder, statusOf } from './orders.ts';
import { refusePaused } from './pauses.ts';
import { malformed } from './problem.ts';
import { profileOf, readProfileName } from './profiles.ts';
import type { OrderRecord } from './records.ts';
import { type Replacement, readReplacement } from './replacement.ts';
import { requireAccount, type SignedRequest } from './signed-request.ts';
import { nameSetIndexKey, orderIndexKey } from './store.ts';

interface OrderRequest {
  readonly accountId: string;
  readonly names: readonly string[];
  /** Undefined when the order names none. */
  readonly profile: string | undefined;
  readonly replacement: Replacement | undefined;
}

/**
 * newOrder (RFC 8555, 7.4) with Boulder's checks in Boulder's order (wfe2 NewOrder): pauses bind even a
 * replacement, limits all but one in its window, and they come before an open order is answered again.
 */
export function createOrder(authority: Authority, request: SignedRequest): AcmeReply {
  const account = requireAccount(request);
  const { payload } = request;
  if (payload === undefined) throw malformed('newOrder needs a payload');
  if (payload.notBefore !== undefined || payload.notAfter !== undefined) {
    throw malformed('notBefore and notAfter are not supported');
  }
  const profile = readProfileName(authority.profiles, payload.profile);
  const { identifierTypes } = profileOf(authority.profiles, profile);
  const names = readIdentifiers(payload.identifiers, identifierTypes);
  refusePaused(authority, account, names);
  const replacement = readReplacement(authority, { account, names, replaces: payload.replaces });
  const order = { accountId: account.id, names, profile, replacement };
  return showOrder(authority, withinLimits(authority, order), 201);
}

function withinLimits(authority: Authority, request: OrderRequest): OrderRecord {
  const { accountId, names, replacement } = request;
  const isRenewal = renewsNames(authority, names);
  const refund =
    replacement?.exempt === true ? () => {} : spendNewOrder(authority, { accountId, names, isRenewal });
  try {
    return findOpenOrder(authority, request) ?? openOrder(authority, request);
  } catch (error) {
    refund();
    throw error;
  }
}

const renewalSeconds = 120 * 86_400;

/** Whether a certificate for exactly these names was issued, to anybody, in the last 120 days. */
export function renewsNames({ store, clock }: Authority, names: readonly string[]): boolean {
  const latest = store.certificates.findNewest(nameSetIndexKey(names));
  return latest !== undefined && new Date(latest.issuedAt) > secondsAfter(clock.now(), -renewalSeconds);
}

/** An open order of the account for the same names and profile, whatever either of them replaces. */
function findOpenOrder(authority: Authority, request: OrderRequest): OrderRecord | undefined {
  const { accountId, names, profile } = request;
  const indexKey = orderIndexKey({ accountId, names, ...(profile === undefined ? {} : { profile }) });
  const order = authority.store.orders.findNewest(indexKey);
  if (order === undefined) return undefined;
  const status = statusOf(authority, order);
  return status === 'pending' || status === 'ready' ? order : undefined;
}

/** @throws AcmeProblem `malformed` for more names than the profile has room for */
function openOrder(authority: Authority, request: OrderRequest): OrderRecord {
  const { clock, store, ledger } = authority;
  const { accountId, names, profile, replacement } = request;
  const { mostNames, orderSeconds } = profileOf(authority.profiles, profile);
  if (names.length > mostNames) throw malformed(`an order names at most ${mostNames} identifiers`);
  const authorizations = names.map((name) => authorizeName(authority, { accountId, name, profile }));
  // An order cannot outlive what proves its names.
  const ends = authorizations.map(({ expiresAt }) => Date.parse(expiresAt));
  const expiresAt = new Date(Math.min(secondsAfter(clock.now(), orderSeconds).getTime(), ...ends));
  const order = store.orders.put({
    id: newId(),
    accountId,
    status: 'pending',
    names,
    ...(profile === undefined ? {} : { profile }),
    ...(replacement === undefined
      ? {}
      : { replaces: replacement.replaces, replacesSerial: replacement.serial }),
    authorizationIds: authorizations.map(({ id }) => id),
    expiresAt: printInstant(expiresAt),
  });
  ledger.countOrder();
  return order;
}

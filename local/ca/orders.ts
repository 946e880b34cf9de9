import { secondsAfter } from '../../shared/runtime/clock.ts';
import { type AcmeReply, type Authority, newId, printInstant } from './authority.ts';
import { authorizeName } from './authorizations.ts';
import { readIdentifiers } from './identifiers.ts';
import { decideOrderStatus, type OrderStatus } from './order-status.ts';
import { malformed, notFound, unauthorized } from './problem.ts';
import { requireAccount, type SignedRequest } from './signed-request.ts';
import { type AccountRecord, type OrderRecord, orderIndexKey } from './store.ts';

const orderSeconds = 7 * 86_400;

/** newOrder (RFC 8555, 7.4): an open order of the account for the same names is answered again, as Boulder does. */
export function createOrder(authority: Authority, request: SignedRequest): AcmeReply {
  const account = requireAccount(request);
  const { payload } = request;
  if (payload === undefined) throw malformed('newOrder needs a payload');
  if (payload.notBefore !== undefined || payload.notAfter !== undefined) {
    throw malformed('notBefore and notAfter are not supported');
  }
  const names = readIdentifiers(payload.identifiers);
  const order = findOpenOrder(authority, account, names) ?? openOrder(authority, account, names);
  return showOrder(authority, order, 201);
}

function findOpenOrder(
  authority: Authority,
  account: AccountRecord,
  names: readonly string[],
): OrderRecord | undefined {
  const order = authority.store.orders.findNewest(orderIndexKey({ accountId: account.id, names }));
  if (order === undefined) return undefined;
  const status = statusOf(authority, order);
  return status === 'pending' || status === 'ready' ? order : undefined;
}

function openOrder(authority: Authority, account: AccountRecord, names: readonly string[]): OrderRecord {
  const { clock, store, ledger } = authority;
  const authorizations = names.map((name) => authorizeName(authority, account.id, name));
  // An order cannot outlive what proves its names.
  const ends = authorizations.map(({ expiresAt }) => Date.parse(expiresAt));
  const expiresAt = new Date(Math.min(secondsAfter(clock.now(), orderSeconds).getTime(), ...ends));
  const order = store.orders.put({
    id: newId(),
    accountId: account.id,
    status: 'pending',
    names,
    authorizationIds: authorizations.map(({ id }) => id),
    expiresAt: printInstant(expiresAt),
  });
  ledger.countOrder();
  return order;
}

/** The order resource (RFC 8555, 7.4), read by POST-as-GET. */
export function readOrder(authority: Authority, request: SignedRequest, id: string): AcmeReply {
  return showOrder(authority, findOwnOrder(authority, request, id), 200);
}

/** @throws AcmeProblem when there is none, or another account owns it */
export function findOwnOrder({ store }: Authority, request: SignedRequest, id: string): OrderRecord {
  const account = requireAccount(request);
  const order = store.orders.get(id);
  if (order === undefined) throw notFound('no such order');
  if (order.accountId !== account.id) throw unauthorized('the order is another account’s');
  return order;
}

export const statusOf = ({ clock, store }: Authority, order: OrderRecord): OrderStatus =>
  decideOrderStatus(order, store.authorizationsOf(order), clock.now());

/** The order object (RFC 8555, 7.1.3), with Retry-After while it is being processed. */
export function showOrder(authority: Authority, order: OrderRecord, replyStatus: 200 | 201): AcmeReply {
  const { urls } = authority;
  const status = statusOf(authority, order);
  return {
    status: replyStatus,
    json: {
      status,
      expires: order.expiresAt,
      identifiers: order.names.map((value) => ({ type: 'dns', value })),
      authorizations: order.authorizationIds.map(urls.authorization),
      finalize: urls.finalize(order.id),
      ...(order.certificateId === undefined ? {} : { certificate: urls.certificate(order.certificateId) }),
      ...(order.error === undefined ? {} : { error: order.error }),
    },
    headers: {
      location: urls.order(order.id),
      ...(status === 'processing' ? { 'retry-after': String(retryAfterSeconds(authority, order)) } : {}),
    },
  };
}

/** Whole seconds until issuance is due, at least one. */
function retryAfterSeconds({ clock }: Authority, order: OrderRecord): number {
  const millis = Date.parse(order.issuanceDueAt ?? order.expiresAt) - clock.now().getTime();
  return Math.max(1, Math.ceil(millis / 1000));
}

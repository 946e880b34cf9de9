import type { AcmeReply, Authority } from './authority.ts';
import { identifierOf } from './identifiers.ts';
import { decideOrderStatus, type OrderStatus } from './order-status.ts';
import { notFound, unauthorized } from './problem.ts';
import type { OrderRecord } from './records.ts';
import { requireAccount, type SignedRequest } from './signed-request.ts';

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
      identifiers: order.names.map(identifierOf),
      authorizations: order.authorizationIds.map(urls.authorization),
      finalize: urls.finalize(order.id),
      ...(order.profile === undefined ? {} : { profile: order.profile }),
      ...(order.replaces === undefined ? {} : { replaces: order.replaces }),
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

import type { AuthorizationRecord, OrderRecord } from './records.ts';

export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
export type AuthorizationStatus = 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired';

const isPast = (instant: string, now: Date): boolean => Date.parse(instant) <= now.getTime();

/** RFC 8555, 7.1.6: a valid authorization expires; a pending one that nobody fulfilled in time is invalid. */
export function decideAuthorizationStatus(
  authorization: AuthorizationRecord,
  now: Date,
): AuthorizationStatus {
  const { status } = authorization;
  if (!isPast(authorization.expiresAt, now)) return status;
  if (status === 'valid') return 'expired';
  return status === 'pending' ? 'invalid' : status;
}

/** RFC 8555, 7.1.6: ready once every authorization is valid, invalid once one of them cannot become so. */
export function decideOrderStatus(
  order: OrderRecord,
  authorizations: readonly AuthorizationRecord[],
  now: Date,
): OrderStatus {
  if (order.status !== 'pending') return order.status;
  if (isPast(order.expiresAt, now)) return 'invalid';
  const statuses = authorizations.map((authorization) => decideAuthorizationStatus(authorization, now));
  if (statuses.every((status) => status === 'valid')) return 'ready';
  return statuses.every((status) => status === 'valid' || status === 'pending') ? 'pending' : 'invalid';
}

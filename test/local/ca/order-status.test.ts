import { describe, expect, it } from 'vitest';
import { decideAuthorizationStatus, decideOrderStatus } from '../../../local/ca/order-status.ts';
import type { AuthorizationRecord, OrderRecord } from '../../../local/ca/records.ts';

const now = new Date('2026-11-21T03:00:00Z');
const later = '2026-11-28T03:00:00Z';
const earlier = '2026-11-21T03:00:00Z';

const anAuthorization = (changes: Partial<AuthorizationRecord> = {}): AuthorizationRecord => ({
  id: 'a',
  accountId: 'account',
  domain: 'www.example.com',
  wildcard: false,
  status: 'valid',
  expiresAt: later,
  challenges: [],
  ...changes,
});

const anOrder = (changes: Partial<OrderRecord> = {}): OrderRecord => ({
  id: 'o',
  accountId: 'account',
  status: 'pending',
  names: ['www.example.com'],
  authorizationIds: ['a'],
  expiresAt: later,
  ...changes,
});

describe('an authorization', () => {
  it.each([
    ['pending', later, 'pending'],
    ['pending', earlier, 'invalid'],
    ['valid', later, 'valid'],
    ['valid', earlier, 'expired'],
    ['deactivated', earlier, 'deactivated'],
    ['invalid', earlier, 'invalid'],
  ] as const)('stored as %s and expiring at %s is %s', (status, expiresAt, expected) => {
    expect(decideAuthorizationStatus(anAuthorization({ status, expiresAt }), now)).toBe(expected);
  });
});

describe('an open order', () => {
  it.each([
    [['valid', 'valid'], 'ready'],
    [['valid', 'pending'], 'pending'],
    [['pending', 'pending'], 'pending'],
    [['valid', 'invalid'], 'invalid'],
    [['pending', 'deactivated'], 'invalid'],
  ] as const)('with authorizations %j is %s', (statuses, expected) => {
    const authorizations = statuses.map((status) => anAuthorization({ status }));
    expect(decideOrderStatus(anOrder(), authorizations, now)).toBe(expected);
  });

  it('is invalid once it has expired, and once an authorization has', () => {
    expect(decideOrderStatus(anOrder({ expiresAt: earlier }), [anAuthorization()], now)).toBe('invalid');
    expect(decideOrderStatus(anOrder(), [anAuthorization({ expiresAt: earlier })], now)).toBe('invalid');
  });

  it.each(['processing', 'valid', 'invalid'] as const)(
    'stays %s whatever its authorizations become',
    (status) => {
      const expired = anAuthorization({ expiresAt: earlier });
      expect(decideOrderStatus(anOrder({ status, expiresAt: earlier }), [expired], now)).toBe(status);
    },
  );
});

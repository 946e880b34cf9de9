import { describe, expect, it } from 'vitest';
import {
  accountsKey,
  domainKey,
  failuresKey,
  holderMark,
  ordersKey,
  requestsKey,
  setKey,
} from '../../../shared/limits/bucket-keys.ts';
import { intervalMillisOf, usableLimit } from '../../../shared/limits/gcra.ts';
import { parseLimits, publishedLimits, scaleLimits } from '../../../shared/limits/published-limits.ts';

const letsEncrypt = publishedLimits('lets-encrypt');

describe('published limits', () => {
  it("refill as Let's Encrypt says they do", () => {
    const minute = 60_000;
    const interval = (limit = letsEncrypt.newAccounts) => limit && intervalMillisOf(limit) / minute;
    expect(interval(letsEncrypt.newAccounts)).toBe(18);
    expect(interval(letsEncrypt.ordersPerAccount)).toBe(0.6);
    expect(interval(letsEncrypt.certificatesPerDomain)).toBeCloseTo(201.6, 6);
    expect(interval(letsEncrypt.certificatesPerSet)).toBeCloseTo(33.6 * 60, 6);
    expect(interval(letsEncrypt.failedAuthorizations)).toBe(12);
  });

  it('of a CA that publishes none, or is not known, do not bind', () => {
    expect(publishedLimits('zerossl').ordersPerAccount).toBeUndefined();
    expect(publishedLimits('https://ca.internal/directory').requests).toEqual({});
    expect(publishedLimits('toString').namesPerCertificate).toBe(100);
  });

  it('run faster by a factor, with the same bursts', () => {
    const fast = scaleLimits(letsEncrypt, 1000);
    expect(fast.ordersPerAccount).toEqual({ burst: 300, periodSeconds: 10.8 });
    expect(usableLimit(fast.ordersPerAccount ?? { burst: 0, periodSeconds: 0 }).burst).toBe(270);
    expect(fast.requests.newNonce).toEqual({ burst: 10, perSecond: 20_000 });
    expect(fast.orderLifetimeSeconds).toBe(letsEncrypt.orderLifetimeSeconds);
    expect(scaleLimits(publishedLimits('custom'), 10).ordersPerAccount).toBeUndefined();
  });
});

describe('configured limits', () => {
  it("are another CA's by its id, or rows of their own", () => {
    expect(parseLimits('lets-encrypt')).toEqual(letsEncrypt);
    const rows = {
      ordersPerAccount: { burst: 2, periodSeconds: 60 },
      requests: { acme: { perSecond: 5, burst: 5 } },
    };
    expect(parseLimits(JSON.stringify(rows))).toMatchObject({ ...rows, namesPerCertificate: 100 });
  });

  it.each([
    ['lets-encript', 'neither JSON nor one of lets-encrypt'],
    ['{"ordersPerAcount":{"burst":1,"periodSeconds":1}}', 'ordersPerAcount'],
    ['{"ordersPerAccount":{"burst":0,"periodSeconds":-1}}', 'ordersPerAccount.periodSeconds'],
    ['{"requests":{"nonce":{"perSecond":1,"burst":1}}}', 'requests'],
  ])('that cannot be meant are refused: %s', (text, named) => {
    expect(() => parseLimits(text)).toThrow(
      expect.objectContaining({ code: 'invalid-configuration', message: expect.stringContaining(named) }),
    );
  });
});

describe('the name of a bucket', () => {
  const account = 'https://acme-v02.api.letsencrypt.org/acme/acct/1234567890';

  it('is readable and its own', () => {
    expect([
      ordersKey('lets-encrypt', account),
      domainKey('lets-encrypt', 'example.com'),
      failuresKey('lets-encrypt', { account: 'a', name: '*.Example.com' }),
      accountsKey('zerossl'),
      requestsKey('zerossl', 'newNonce'),
    ]).toEqual([
      `lets-encrypt/orders/${account}`,
      'lets-encrypt/domain/example.com',
      'lets-encrypt/failures/a/example.com',
      'zerossl/accounts',
      'zerossl/requests/newNonce',
    ]);
  });

  it('of a set of names follows neither order nor case, and tells sets apart', () => {
    expect(setKey('ca', ['b.example', 'A.example', 'a.example'])).toBe(
      setKey('ca', ['a.example', 'B.example']),
    );
    expect(setKey('ca', ['a.example'])).not.toBe(setKey('ca', ['a.example', 'b.example']));
    expect(setKey('ca', ['*.a.example'])).not.toBe(setKey('ca', ['a.example']));
  });

  it('is bounded in length, and long ones stay apart', () => {
    const long = `https://ca.example/${'x'.repeat(3000)}`;
    const key = failuresKey(long, { account: `${long}1`, name: 'y'.repeat(253) });
    expect(key.length).toBeLessThan(350);
    expect(ordersKey('ca', `${long}1`)).not.toBe(ordersKey('ca', `${long}2`));
    expect(holderMark(long)).toHaveLength(16);
  });
});

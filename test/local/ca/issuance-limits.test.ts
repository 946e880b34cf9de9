import { afterEach, describe, expect, it } from 'vitest';
import type { AcmeCa } from '../../../local/ca/ca.ts';
import { type CaLimits, letsEncryptLimits } from '../../../local/ca/limits.ts';
import { RawClient } from './raw-client.ts';
import { aSubscriber, refusal, type Subscriber, startPlainCa } from './subscriber.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function underLimits(limits: CaLimits, options: Parameters<typeof startPlainCa>[0] = {}) {
  const { ca, clock } = await startPlainCa({ limits, ...options });
  cleanups.push(() => ca.stop());
  return { ca, clock, subscriber: await subscribe(ca) };
}

async function subscribe(ca: AcmeCa): Promise<Subscriber> {
  const subscriber = await aSubscriber(ca);
  cleanups.push(() => subscriber.raw.close());
  return subscriber;
}

const hour = 3600;
const { ordersPerAccount, certificatesPerDomain, certificatesPerSet, failedAuthorizations } =
  letsEncryptLimits;

describe('orders per account', () => {
  const limits = { ordersPerAccount: { burst: 2, periodSeconds: 72 } };

  it('are refused with the wait in Retry-After and detail, and taken again when it is over', async () => {
    const { ca, clock, subscriber } = await underLimits(limits);
    await subscriber.newOrder(['a.example.com']);
    clock.move(10);
    await subscriber.newOrder(['b.example.com']);
    // 10 of the 36 seconds that a token takes have passed.
    const refused = await subscriber.newOrder(['c.example.com']);
    expect(refusal(refused)).toBe('429 rateLimited');
    expect(refused.headers['retry-after']).toBe('26');
    expect(refused.headers.link).toMatch(/<https:[^>]+>;rel="help"/);
    expect(refused.json?.detail).toBe(
      'too many new orders (2) from this account in the last 1m12s, retry after 2026-11-22 06:00:36 UTC',
    );
    clock.move(25);
    expect(refusal(await subscriber.newOrder(['c.example.com']))).toBe('429 rateLimited');
    clock.move(1);
    expect((await subscriber.newOrder(['c.example.com'])).status).toBe(201);
    expect([ca.ledger.newOrders, ca.ledger.rateLimited]).toEqual([3, { ordersPerAccount: 2 }]);
  });

  it('are each account’s own, and an order answered again counts too', async () => {
    const { ca, subscriber } = await underLimits(limits);
    const first = await subscriber.newOrder(['a.example.com']);
    const again = await subscriber.newOrder(['a.example.com']);
    expect(again.headers.location).toBe(first.headers.location);
    expect(refusal(await subscriber.newOrder(['a.example.com']))).toBe('429 rateLimited');
    expect((await (await subscribe(ca)).newOrder(['a.example.com'])).status).toBe(201);
  });

  it('are given back where no order comes of it', async () => {
    const { subscriber } = await underLimits(limits);
    const tooMany = Array.from({ length: 101 }, (_, index) => `n${index}.example.com`);
    for (let times = 0; times < 5; times += 1) {
      expect(refusal(await subscriber.newOrder(tooMany))).toBe('400 malformed');
    }
    expect((await subscriber.newOrder(['a.example.com'])).status).toBe(201);
    expect((await subscriber.newOrder(['b.example.com'])).status).toBe(201);
  });

  it('wait in seconds of the clock where the limits’ time is scaled', async () => {
    const { subscriber, clock } = await underLimits({ ordersPerAccount, timeScale: 1000 });
    for (let index = 0; index < 300; index += 1) await subscriber.newOrder([`n${index}.example.com`]);
    // 36 seconds a thousand times as fast, in whole seconds.
    const refused = await subscriber.newOrder(['more.example.com']);
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.json?.detail).toContain('(300) from this account in the last 3h0m0s');
    clock.move(0.036);
    expect((await subscriber.newOrder(['more.example.com'])).status).toBe(201);
  });

  it('have a little added to the wait by chance', async () => {
    const { subscriber } = await underLimits(
      { ordersPerAccount: { burst: 1, periodSeconds: 1000 } },
      { random: () => 0.5 },
    );
    await subscriber.newOrder(['a.example.com']);
    expect((await subscriber.newOrder(['b.example.com'])).headers['retry-after']).toBe('1015');
  });
});

describe('certificates per registered domain', () => {
  it('are checked by orders and spent by issuance, over all accounts', async () => {
    const { ca, subscriber } = await underLimits({
      certificatesPerDomain: { burst: 2, periodSeconds: hour },
    });
    const other = await subscribe(ca);
    for (const name of ['a', 'b', 'c']) await subscriber.newOrder([`${name}.example.com`]);
    await subscriber.issue(['d.example.com']);
    await other.issue(['*.e.example.com', 'www.other.example']);
    const refused = await other.newOrder(['f.example.com']);
    expect([refusal(refused), refused.headers['retry-after']]).toEqual(['429 rateLimited', '1800']);
    expect(refused.json?.detail).toContain(
      'too many certificates (2) already issued for "example.com" in the last 1h0m0s',
    );
    expect((await other.newOrder(['f.other.example'])).status).toBe(201);
    expect(ca.ledger.rateLimited).toEqual({ certificatesPerDomain: 1 });
  });

  it('are never held against a certificate whose order was let through', async () => {
    const { ca, clock, subscriber } = await underLimits({
      certificatesPerDomain: { burst: 1, periodSeconds: hour },
    });
    const names = ['a.example.com', 'b.example.com', 'c.example.com'];
    const orders = [];
    for (const name of names) orders.push(await subscriber.newOrder([name]));
    for (const [index, order] of orders.entries()) await subscriber.finalize(order, [names[index] ?? '']);
    expect(ca.ledger.issued).toHaveLength(3);
    // The bucket is empty and not in debt.
    clock.move(hour);
    expect((await subscriber.newOrder(['d.example.com'])).status).toBe(201);
  });

  it('and orders per account do not bind who renews the same names within 120 days', async () => {
    const limits = {
      ordersPerAccount: { burst: 1, periodSeconds: 1e9 },
      certificatesPerDomain: { burst: 1, periodSeconds: 1e9 },
    };
    const { clock, subscriber } = await underLimits(limits);
    await subscriber.issue(['a.example.com', 'b.example.com']);
    await subscriber.issue(['b.example.com', 'a.example.com']);
    expect(refusal(await subscriber.newOrder(['a.example.com']))).toBe('429 rateLimited');
    clock.move(120 * 24 * hour);
    expect(refusal(await subscriber.newOrder(['a.example.com', 'b.example.com']))).toBe('429 rateLimited');
  });
});

describe('certificates per exact set of names', () => {
  it('bind renewals without a window, and the five of a week come back one by one', async () => {
    const { clock, subscriber } = await underLimits({ certificatesPerSet });
    for (let times = 0; times < 5; times += 1) await subscriber.issue(['b.example.com', 'a.example.com']);
    const refused = await subscriber.newOrder(['a.example.com', 'b.example.com']);
    expect(refused.json?.detail).toContain(
      'too many certificates (5) already issued for this exact set of domains in the last 168h0m0s',
    );
    expect(refused.headers['retry-after']).toBe(String((168 * hour) / 5));
    expect((await subscriber.newOrder(['a.example.com'])).status).toBe(201);
    clock.move((168 * hour) / 5);
    await subscriber.issue(['a.example.com', 'b.example.com']);
    expect(refusal(await subscriber.newOrder(['a.example.com', 'b.example.com']))).toBe('429 rateLimited');
  });
});

describe('a replacement', () => {
  const all = {
    ordersPerAccount: { burst: 2, periodSeconds: 1e9 },
    certificatesPerDomain: { burst: 2, periodSeconds: 1e9 },
    certificatesPerSet: { burst: 1, periodSeconds: 1e9 },
  };
  const names = ['a.example.com', 'b.example.com'];

  async function withOneIssued() {
    const scene = await underLimits(all);
    const { certId } = await scene.subscriber.issue(names);
    /** Now is inside. */
    const openWindow = () => {
      const now = scene.clock.now().getTime();
      const window = { start: new Date(now), end: new Date(now + 1000) };
      scene.ca.moveRenewalWindow(names, window);
    };
    return { ...scene, certId, openWindow };
  }

  it('in its window is free of all limits, and spends the set and no domain', async () => {
    const { subscriber, certId, openWindow } = await withOneIssued();
    expect(refusal(await subscriber.newOrder(names))).toBe('429 rateLimited');
    openWindow();
    const { certId: next } = await subscriber.issue(names, { replaces: certId });
    openWindow();
    await subscriber.issue(names, { replaces: next });
    // One of two tokens of the domain is left: the three certificates for the same names cost one.
    await subscriber.issue(['c.example.com']);
    expect(refusal(await subscriber.newOrder(['d.example.com']))).toBe('429 rateLimited');
  });

  it('for other names spends their domain', async () => {
    const { subscriber, certId, openWindow } = await withOneIssued();
    openWindow();
    await subscriber.issue(['a.example.com', 'other.example.com'], { replaces: certId });
    const refused = await subscriber.newOrder(['c.example.com']);
    expect(refused.json?.detail).toContain('already issued for "example.com"');
  });

  it.each([
    ['before its window', 1000, 2000],
    ['after its window', -2000, 0],
  ])('%s is accepted as such and limited like any other', async (_, start, end) => {
    const { ca, clock, subscriber, certId } = await withOneIssued();
    const now = clock.now().getTime();
    ca.moveRenewalWindow(names, { start: new Date(now + start), end: new Date(now + end) });
    expect(refusal(await subscriber.newOrder(names, { replaces: certId }))).toBe('429 rateLimited');
    const order = await subscriber.newOrder(['a.example.com'], { replaces: certId });
    expect([order.status, order.json?.replaces]).toEqual([201, certId]);
  });
});

describe('failed authorizations', () => {
  it('are counted by name and account, those given up while pending too', async () => {
    const { ca, clock, subscriber } = await underLimits({ failedAuthorizations }, { preauthorized: false });
    const other = await subscribe(ca);
    for (let times = 0; times < 5; times += 1) await subscriber.fail('www.example.com');
    const refused = await subscriber.newOrder(['ok.example.com', 'www.example.com']);
    expect(refused.json?.detail).toContain(
      'too many failed authorizations (5) for "www.example.com" in the last 1h0m0s',
    );
    expect(refused.headers['retry-after']).toBe('720');
    expect((await subscriber.newOrder(['ok.example.com'])).status).toBe(201);
    expect((await other.newOrder(['www.example.com'])).status).toBe(201);
    clock.move(720);
    expect((await subscriber.newOrder(['www.example.com'])).status).toBe(201);
  });

  it('tell a wildcard from its apex', async () => {
    const one = { failedAuthorizations: { burst: 1, periodSeconds: hour } };
    const { subscriber } = await underLimits(one, { preauthorized: false });
    await subscriber.fail('*.example.com');
    expect((await subscriber.newOrder(['example.com'])).status).toBe(201);
    expect(refusal(await subscriber.newOrder(['*.example.com']))).toBe('429 rateLimited');
  });

  it('do not count what was given up when valid', async () => {
    const { subscriber } = await underLimits({ failedAuthorizations: { burst: 1, periodSeconds: hour } });
    await subscriber.fail('www.example.com');
    expect((await subscriber.newOrder(['www.example.com'])).status).toBe(201);
  });
});

describe('limits together', () => {
  it('answer with the one that is furthest away, and spend nothing', async () => {
    const { clock, subscriber } = await underLimits({
      ordersPerAccount: { burst: 1, periodSeconds: 60 },
      certificatesPerDomain: { burst: 1, periodSeconds: 600 },
    });
    await subscriber.issue(['a.example.com']);
    expect((await subscriber.newOrder(['b.example.com'])).headers['retry-after']).toBe('600');
    expect((await subscriber.newOrder(['b.other.example'])).headers['retry-after']).toBe('60');
    clock.move(60);
    expect((await subscriber.newOrder(['b.example.com'])).headers['retry-after']).toBe('540');
    expect((await subscriber.newOrder(['b.other.example'])).status).toBe(201);
  });

  it('are off unless asked for', async () => {
    const { ca, subscriber } = await underLimits({});
    for (let times = 0; times < 8; times += 1) await subscriber.issue(['a.example.com']);
    expect(ca.ledger.rateLimited).toEqual({});
  });
});

it('new accounts are limited, and finding an existing one is not', async () => {
  const { ca, clock } = await startPlainCa({ limits: { newAccounts: { burst: 2, periodSeconds: hour } } });
  const raw = new RawClient(ca);
  cleanups.push(
    () => ca.stop(),
    () => raw.close(),
  );
  const [{ key }] = [await raw.register(), await raw.register()];
  const url = `${raw.origin}/acme/new-acct`;
  const register = (payload: object, signer = key) => raw.post({ url, payload, key: signer });
  expect((await register({ onlyReturnExisting: true })).status).toBe(200);
  const { kid } = await raw.register();
  expect(kid).toBe('undefined');
  expect(ca.ledger.rateLimited).toEqual({ newAccounts: 1 });
  clock.move(hour / 2);
  expect((await raw.register()).kid).toContain('/acme/acct/');
});

it('Let’s Encrypt’s five limits are those that it publishes', () => {
  expect([certificatesPerDomain, letsEncryptLimits.newAccounts]).toEqual([
    { burst: 50, periodSeconds: 604_800 },
    { burst: 10, periodSeconds: 10_800 },
  ]);
});

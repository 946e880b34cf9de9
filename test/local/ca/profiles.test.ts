import { X509Certificate } from 'node:crypto';
import type acme from 'acme-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aCsr, aRegisteredClient, type CaWithProofs, prove, startCaWithProofs } from './ca-client.ts';
import { opensslText, opensslVerify } from './openssl.ts';
import { aSubscriber, authorizationsOf, refusal, type Subscriber, startPlainCa } from './subscriber.ts';

let scene: Awaited<ReturnType<typeof startPlainCa>>;
let subscriber: Subscriber;
beforeAll(async () => {
  scene = await startPlainCa();
  subscriber = await aSubscriber(scene.ca);
});
afterAll(async () => {
  subscriber.raw.close();
  await scene.ca.stop();
});

const hour = 3_600_000;
const many = (count: number) => Array.from({ length: count }, (_, index) => `n${index}.many.example.com`);

describe('profiles', () => {
  it('are described in the directory', async () => {
    const { json } = await subscriber.raw.send('GET', scene.ca.directoryUrl);
    const page = `${subscriber.raw.origin}/docs/profiles`;
    expect(json?.meta).toMatchObject({
      profiles: {
        classic: `${page}#classic`,
        tlsserver: `${page}#tlsserver`,
        shortlived: `${page}#shortlived`,
      },
    });
    const described = await subscriber.raw.send('GET', page);
    expect(described.json?.shortlived).toMatchObject({ mostNames: 25, identifierTypes: ['dns', 'ip'] });
  });

  it.each([
    ['classic', 90 * 24, 'CN=dates.example.com', 7 * 24],
    // A preauthorized name is good for seven hours, and no order outlives it.
    ['tlsserver', 45 * 24, undefined, 7],
    ['shortlived', 160, undefined, 7],
  ])('%s certificates last %i hours, with the subject %s', async (profile, hours, subject, orderHours) => {
    const { order, leaf, chainPem } = await subscriber.issue(['dates.example.com'], { profile });
    expect(order.json?.profile).toBe(profile);
    expect(leaf.validToDate.getTime() - leaf.validFromDate.getTime() + 1000).toBe(hours * hour);
    expect(leaf.subject || undefined).toBe(subject);
    expect(Date.parse(String(order.json?.expires)) - scene.clock.now().getTime()).toBe(orderHours * hour);
    expect(opensslVerify(scene.ca.rootPem, chainPem, scene.clock.now())).toContain('OK');
  });

  it.each([
    [undefined, 100],
    ['classic', 100],
    ['tlsserver', 25],
    ['shortlived', 25],
  ])('%s takes no more than %i names', async (profile, most) => {
    expect((await subscriber.newOrder(many(most), { profile })).status).toBe(201);
    expect(refusal(await subscriber.newOrder(many(most + 1), { profile }))).toBe('400 malformed');
  });

  it.each(['tlsclient', 'constructor', 7])('%s is refused', async (profile) => {
    expect(refusal(await subscriber.newOrder(['a.example.com'], { profile }))).toBe('400 invalidProfile');
  });

  it('share neither open orders nor proofs', async () => {
    const names = ['apart.example.com'];
    const plain = await subscriber.newOrder(names);
    const other = await subscriber.newOrder(names, { profile: 'tlsserver' });
    const again = await subscriber.newOrder(names, { profile: 'tlsserver' });
    expect(other.headers.location).not.toBe(plain.headers.location);
    expect(again.headers.location).toBe(other.headers.location);
    expect(authorizationsOf(other)).not.toEqual(authorizationsOf(plain));
    expect(plain.json).not.toHaveProperty('profile');
  });

  it('can be absent, and are then passed over', async () => {
    const { ca } = await startPlainCa({ profiles: false });
    const other = await aSubscriber(ca);
    try {
      const order = await other.newOrder(['a.example.com'], { profile: 'shortlived' });
      expect([order.status, order.json?.profile]).toEqual([201, undefined]);
    } finally {
      other.raw.close();
      await ca.stop();
    }
  });

  it('leave the default’s validity to an option', async () => {
    const { ca } = await startPlainCa({ validitySeconds: 600 });
    const other = await aSubscriber(ca);
    try {
      const [plain, named] = [
        await other.issue(['a.example.com']),
        await other.issue(['a.example.com'], { profile: 'shortlived' }),
      ];
      const lives = [plain, named].map(
        ({ leaf }) => leaf.validToDate.getTime() - leaf.validFromDate.getTime() + 1000,
      );
      expect(lives).toEqual([600_000, 160 * hour]);
    } finally {
      other.raw.close();
      await ca.stop();
    }
  });

  it('give a pending authorization of a short order an hour', async () => {
    const { ca, clock } = await startPlainCa({ preauthorized: false });
    const other = await aSubscriber(ca);
    try {
      const { json } = await other.newOrder(['a.example.com'], { profile: 'tlsserver' });
      expect(Date.parse(String(json?.expires)) - clock.now().getTime()).toBe(hour);
    } finally {
      other.raw.close();
      await ca.stop();
    }
  });
});

describe('IP addresses', () => {
  it('are certified under shortlived, beside names', async () => {
    const names = ['2001:db8::7', '192.0.2.7', 'beside.example.com'];
    const { order, chainPem } = await subscriber.issue(names, { profile: 'shortlived' });
    expect(order.json?.identifiers).toContainEqual({ type: 'ip', value: '192.0.2.7' });
    const text = opensslText(chainPem);
    for (const name of [
      'IP Address:192.0.2.7',
      'IP Address:2001:DB8:0:0:0:0:0:7',
      'DNS:beside.example.com',
    ]) {
      expect(text).toContain(name);
    }
  });

  it.each([undefined, 'classic', 'tlsserver'])('are refused under %s', async (profile) => {
    expect(refusal(await subscriber.newOrder(['192.0.2.7'], { profile }))).toBe('400 unsupportedIdentifier');
  });
});

describe('proving an IP address', () => {
  let setup: CaWithProofs;
  let prover: Subscriber;
  beforeAll(async () => {
    setup = await startCaWithProofs();
    prover = await aSubscriber(setup.ca);
  });
  afterAll(async () => {
    prover.raw.close();
    await setup.stop();
  });

  it('is done by http-01 or tls-alpn-01, never by DNS', async () => {
    const order = await prover.newOrder(['127.0.0.1', '::1'], { profile: 'shortlived' });
    for (const url of authorizationsOf(order)) {
      const { json } = await prover.post(url);
      expect(json?.challenges).toHaveLength(2);
      expect(json?.challenges).not.toContainEqual(expect.objectContaining({ type: 'dns-01' }));
      expect(json?.identifier).toMatchObject({ type: 'ip' });
    }
  });

  it('asks the address itself', async () => {
    const client = await aRegisteredClient(setup.ca);
    const identifiers = [{ type: 'ip', value: '127.0.0.1' }];
    const wanted: Parameters<acme.Client['createOrder']>[0] & { profile: string } = {
      identifiers,
      profile: 'shortlived',
    };
    const order = await client.createOrder(wanted);
    await prove(setup, client, { order, type: 'http-01' });
    const [, csr] = await aCsr(['127.0.0.1']);
    const chainPem = await client.getCertificate(await client.finalizeOrder(order, csr));
    expect(new X509Certificate(chainPem).checkIP('127.0.0.1')).toBe('127.0.0.1');
  });
});

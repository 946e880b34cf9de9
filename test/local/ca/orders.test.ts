import acme from 'acme-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  aClient,
  aCsr,
  anOrder,
  aRegisteredClient,
  type CaWithProofs,
  obtain,
  prove,
  startCaWithProofs,
} from './ca-client.ts';

let setup: CaWithProofs;
let client: acme.Client;
const accountKeyOf = new WeakMap<acme.Client, Buffer>();

beforeAll(async () => {
  setup = await startCaWithProofs();
  const accountKey = await acme.crypto.createPrivateEcdsaKey();
  client = await aClient(setup.ca, { accountKey });
  accountKeyOf.set(client, accountKey);
  await client.createAccount({ termsOfServiceAgreed: true });
});
afterAll(() => setup.stop());

describe('newOrder', () => {
  it('answers an open order for the same names again without counting it', async () => {
    const first = await anOrder(client, 'b.reuse.example.com', 'a.reuse.example.com');
    const count = setup.ca.ledger.newOrders;
    const second = await anOrder(client, 'a.reuse.example.com', 'B.reuse.example.com');
    expect(second.url).toBe(first.url);
    expect(setup.ca.ledger.newOrders).toBe(count);
  });

  it('opens another order for another account', async () => {
    const other = await aRegisteredClient(setup.ca);
    const [mine, theirs] = [
      await anOrder(client, 'shared.example.com'),
      await anOrder(other, 'shared.example.com'),
    ];
    expect(theirs.url).not.toBe(mine.url);
    await expect(other.getOrder(mine)).rejects.toThrow('another account');
  });

  it('is born ready where every authorization is reused', async () => {
    const { order } = await obtain(setup, client, { names: ['again.example.com'] });
    const next = await anOrder(client, 'again.example.com');
    expect(next.status).toBe('ready');
    expect(next.url).not.toBe(order.url);
    expect(next.authorizations).toEqual(order.authorizations);
  });

  it('asks for a new proof where reuse is off', async () => {
    const strict = await startCaWithProofs({ authorizationReuse: false });
    try {
      const other = await aRegisteredClient(strict.ca);
      await obtain(strict, other, { names: ['again.example.com'] });
      expect((await anOrder(other, 'again.example.com')).status).toBe('pending');
    } finally {
      await strict.stop();
      await aClient(setup.ca);
    }
  });

  it('does not take the proof of a name for the wildcard above it', async () => {
    await obtain(setup, client, { names: ['apex.example.com'] });
    expect((await anOrder(client, '*.apex.example.com')).status).toBe('pending');
  });

  it('refuses dates, which Boulder does not take either', async () => {
    const identifiers = [{ type: 'dns', value: 'dates.example.com' }];
    const order = { identifiers, notAfter: '2030-01-01T00:00:00Z' };
    await expect(client.createOrder(order)).rejects.toThrow('not supported');
  });

  it('becomes invalid when an authorization is deactivated', async () => {
    const order = await anOrder(client, 'deactivated.example.com');
    const [authorization] = await client.getAuthorizations(order);
    if (authorization === undefined) throw new Error('no authorization');
    expect((await client.deactivateAuthorization(authorization)).status).toBe('deactivated');
    expect((await client.getOrder(order)).status).toBe('invalid');
    await expect(client.deactivateAuthorization(authorization)).rejects.toThrow('cannot be deactivated');
  });
});

describe('finalize', () => {
  it('is refused before the order is ready', async () => {
    const order = await anOrder(client, 'early.example.com');
    const [, csr] = await aCsr(['early.example.com']);
    await expect(client.finalizeOrder(order, csr)).rejects.toThrow('the order is pending');
  });

  const names = ['csr.example.com', 'www.csr.example.com'];
  const brokenSignature = async () => {
    const [, csr] = await aCsr(names);
    const der = Buffer.from(acme.crypto.getPemBodyAsB64u(csr), 'base64url');
    der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
    return Buffer.from(
      `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----`,
    );
  };
  const withKey = async (key: Buffer) => (await aCsr(names, key))[1];
  const accountKey = () => accountKeyOf.get(client) ?? Buffer.alloc(0);

  it.each([
    ['a missing name', async () => (await aCsr(names.slice(0, 1)))[1], 'the request names'],
    ['a name too many', async () => (await aCsr([...names, 'x.example.com']))[1], 'the request names'],
    ['an IP address', async () => (await aCsr([...names, '127.0.0.1']))[1], 'the request names'],
    ['a broken signature', brokenSignature, 'not signed by its own key'],
    ['the account key', () => withKey(accountKey()), 'must differ from the account key'],
    [
      'a short RSA key',
      async () => withKey(await acme.crypto.createPrivateRsaKey(1024)),
      'certificate keys are',
    ],
    ['P-521', async () => withKey(await acme.crypto.createPrivateEcdsaKey('P-521')), 'certificate keys are'],
    [
      'something else than a request',
      async () => Buffer.from('-----BEGIN X-----\nAAAA\n-----END X-----'),
      'PKCS#10',
    ],
  ])('is refused with %s, and the order stays ready', async (_, makeCsr, detail) => {
    const order = await anOrder(client, ...names);
    await prove(setup, client, { order, type: 'http-01' });
    await expect(client.finalizeOrder(order, await makeCsr())).rejects.toThrow(detail);
    expect((await client.getOrder(order)).status).toBe('ready');
  });
});

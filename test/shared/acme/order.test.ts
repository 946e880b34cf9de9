import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fetchAuthorizations } from '../../../shared/acme/authorization.ts';
import { checkIssuedChain } from '../../../shared/acme/issued-chain.ts';
import { fetchOrder, placeOrder } from '../../../shared/acme/order.ts';
import { createTestCa } from '../../support/test-ca.ts';
import { aProblem, createFakeCa, directory, origin } from './fake-ca.ts';

const url = `${origin}/order/1`;
const order = {
  status: 'pending',
  identifiers: [{ type: 'dns', value: 'www.example.com' }],
  authorizations: [`${origin}/authz/1`],
  finalize: `${origin}/finalize/1`,
};
const placed = (data: object) => ({ status: 201, data, headers: { location: url } });
const domains = ['www.example.com'];

describe('newOrder', () => {
  it('asks for names alone where nothing else is wished', async () => {
    const ca = createFakeCa({ '/new-order': placed(order) });
    await placeOrder(await ca.session(), { domains });
    expect(ca.sent.at(-1)?.payload).toEqual({ identifiers: order.identifiers });
  });

  it('carries profile, replaced certificate and end, and reads what the CA made of them', async () => {
    const answer = {
      ...order,
      profile: 'shortlived',
      replaces: 'aki.serial',
      expires: '2026-11-22T00:00:00Z',
    };
    const ca = createFakeCa({ '/new-order': placed(answer) });
    const notAfter = new Date('2026-12-01T00:00:00Z');
    const request = { domains, profile: 'shortlived', replaces: 'aki.serial', notAfter };
    expect(await placeOrder(await ca.session(), request)).toMatchObject({
      url,
      profile: 'shortlived',
      replaces: 'aki.serial',
      expiresAt: new Date('2026-11-22T00:00:00Z'),
    });
    expect(ca.sent.at(-1)?.payload).toEqual({
      identifiers: order.identifiers,
      profile: 'shortlived',
      replaces: 'aki.serial',
      notAfter: '2026-12-01T00:00:00.000Z',
    });
  });

  it('leaves the replaced certificate out where the CA has no renewal information', async () => {
    const { renewalInfo: _, ...without } = directory;
    const ca = createFakeCa({ '/directory': { data: without }, '/new-order': placed(order) });
    await placeOrder(await ca.session(), { domains, replaces: 'aki.serial' });
    expect(ca.sent.at(-1)?.payload).toEqual({ identifiers: order.identifiers });
  });

  it('is not sent for a profile the CA does not offer', async () => {
    const ca = createFakeCa({ '/new-order': placed(order) });
    await expect(placeOrder(await ca.session(), { domains, profile: 'tlsclient' })).rejects.toMatchObject({
      code: 'acme-invalidProfile',
      disposition: 'give-up',
      message: expect.stringContaining('classic, shortlived'),
    });
    expect(ca.paths()).not.toContain('/new-order');
  });

  it('names addresses as RFC 8738 wants, and knows them in any spelling', async () => {
    const identifiers = [
      { type: 'ip', value: '192.0.2.1' },
      { type: 'ip', value: '2001:0DB8:0:0:0:0:0:1' },
    ];
    const ca = createFakeCa({ '/new-order': placed({ ...order, identifiers }) });
    const read = await placeOrder(await ca.session(), { domains: ['192.0.2.1', '2001:db8:0:0::1'] });
    expect(ca.sent.at(-1)?.payload).toEqual({
      identifiers: [
        { type: 'ip', value: '192.0.2.1' },
        { type: 'ip', value: '2001:db8::1' },
      ],
    });
    expect(read.domains).toEqual(['192.0.2.1', '2001:db8::1']);
  });

  it.each([
    ['no URL', { status: 201, data: order }],
    ['no order', placed({ status: 'pending' })],
    ['text', { ...placed({}), data: '<html>' }],
  ])('that is answered with %s is a fault of the CA', async (_, answer) => {
    const ca = createFakeCa({ '/new-order': answer });
    await expect(placeOrder(await ca.session(), { domains })).rejects.toMatchObject({ code: 'ca-protocol' });
  });
});

describe('an order', () => {
  it('tells why the CA gave it up', async () => {
    const error = { type: 'urn:ietf:params:acme:error:caa', detail: 'CAA forbids it', status: 403 };
    const ca = createFakeCa({ '/order/1': { data: { ...order, status: 'invalid', error } } });
    expect((await fetchOrder(await ca.session(), url)).problem).toMatchObject({ type: 'caa', status: 403 });
  });

  it('the CA has forgotten is missing, not refused', async () => {
    const ca = createFakeCa({ '/order/1': aProblem(404, 'malformed') });
    await expect(fetchOrder(await ca.session(), url)).rejects.toMatchObject({
      code: 'order-missing',
      disposition: 'retry',
    });
  });

  it('has authorizations for addresses too', async () => {
    const identifier = { type: 'ip', value: '2001:DB8::1' };
    const ca = createFakeCa({ '/authz/1': { data: { identifier, status: 'pending', challenges: [] } } });
    const [authorization] = await fetchAuthorizations(await ca.session(), order.authorizations);
    expect(authorization).toMatchObject({ domain: '2001:db8::1', wildcard: false });
  });
});

describe('a certificate for addresses', () => {
  const names = ['www.example.com', '192.0.2.1', '2001:db8::1'];

  it('is checked for exactly those, whatever the spelling', async () => {
    const ca = await createTestCa();
    const pair = await ca.issue({ domains: ['www.example.com'], addresses: ['192.0.2.1', '2001:db8::1'] });
    expect(new X509Certificate(pair.leafPem).subjectAltName).toContain('2001:DB8:0:0:0:0:0:1');
    const expected = { privateKeyPem: pair.privateKeyPem, now: new Date() };
    expect(checkIssuedChain(pair.fullchainPem, { ...expected, domains: names }).domains).toEqual(names);
    const spelled = { ...expected, domains: ['www.example.com', '192.0.2.1', '2001:0DB8::0:1'] };
    expect(checkIssuedChain(pair.fullchainPem, spelled).domains).toEqual(names);
    const fewer = { ...expected, domains: names.slice(0, 2) };
    expect(() => checkIssuedChain(pair.fullchainPem, fewer)).toThrow(/extra \[2001:db8::1\]/);
  });
});

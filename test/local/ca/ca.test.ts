import { createHash, X509Certificate } from 'node:crypto';
import acme from 'acme-client';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startAcmeCa } from '../../../local/ca/ca.ts';
import {
  aClient,
  aCsr,
  anOrder,
  aRegisteredClient,
  type CaWithProofs,
  obtain,
  prove,
  startCaWithProofs,
  untilValid,
} from './ca-client.ts';
import { opensslText, opensslVerify } from './openssl.ts';

let setup: CaWithProofs;
let client: acme.Client;

beforeAll(async () => {
  setup = await startCaWithProofs();
  client = await aRegisteredClient(setup.ca);
});
afterAll(() => setup.stop());

describe('issuing', () => {
  it('gives a chain that openssl accepts for an ECDSA key proved by http-01', async () => {
    const { chainPem } = await obtain(setup, client, { names: ['one.example.com'] });
    expect(opensslVerify(setup.ca.rootPem, chainPem)).toContain('OK');
  });

  it('gives a chain that openssl accepts for an RSA key', async () => {
    const key = await acme.crypto.createPrivateRsaKey(2048);
    const { chainPem } = await obtain(setup, client, { names: ['rsa.example.com'], key });
    expect(opensslVerify(setup.ca.rootPem, chainPem)).toContain('OK');
    expect(opensslText(chainPem)).toContain('Digital Signature, Key Encipherment');
  });

  it('certifies a wildcard with its apex by dns-01', async () => {
    const names = ['*.wild.example.com', 'wild.example.com'];
    const { chainPem } = await obtain(setup, client, { names, type: 'dns-01' });
    const leaf = new X509Certificate(chainPem);
    expect(leaf.subjectAltName).toBe('DNS:*.wild.example.com, DNS:wild.example.com');
    expect(opensslVerify(setup.ca.rootPem, chainPem)).toContain('OK');
  });

  it('certifies names proved by tls-alpn-01', async () => {
    const { chainPem } = await obtain(setup, client, { names: ['alpn.example.com'], type: 'tls-alpn-01' });
    expect(new X509Certificate(chainPem).checkHost('alpn.example.com')).toBe('alpn.example.com');
  });

  it('backdates by an hour and lasts 90 days in whole seconds', async () => {
    const { chainPem } = await obtain(setup, client, { names: ['dates.example.com'] });
    const { validFromDate, validToDate } = new X509Certificate(chainPem);
    expect((validToDate.getTime() - validFromDate.getTime()) / 1000 + 1).toBe(90 * 86_400);
    const backdateSeconds = (Date.now() - validFromDate.getTime()) / 1000;
    expect(backdateSeconds).toBeGreaterThanOrEqual(3600);
    expect(backdateSeconds).toBeLessThan(3600 + 30);
  });

  it('offers dns-01 alone for a wildcard and marks its authorization', async () => {
    const order = await anOrder(client, '*.only-dns.example.com');
    const [authorization] = await client.getAuthorizations(order);
    expect(authorization?.challenges.map(({ type }) => type)).toEqual(['dns-01']);
    expect(authorization).toMatchObject({ wildcard: true, identifier: { value: 'only-dns.example.com' } });
  });

  it('records orders, certificates and requests in the ledger', async () => {
    const before = setup.ca.ledger.newOrders;
    const { chainPem, order } = await obtain(setup, client, { names: ['ledger.example.com'] });
    expect(setup.ca.ledger.newOrders).toBe(before + 1);
    expect(setup.ca.ledger.requests.finalize).toBeGreaterThan(0);
    expect(setup.ca.ledger.orders).toContainEqual(
      expect.objectContaining({ url: order.url, status: 'valid', names: ['ledger.example.com'] }),
    );
    const { publicKey, serialNumber } = new X509Certificate(chainPem);
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    const publicKeyFingerprint = createHash('sha256').update(spki).digest('hex');
    expect(setup.ca.ledger.issued).toContainEqual({
      serial: serialNumber.toLowerCase(),
      names: ['ledger.example.com'],
      orderUrl: order.url,
      accountUrl: client.getAccountUrl(),
      issuedAt: expect.stringMatching(/Z$/),
      publicKeyFingerprint,
      revoked: false,
    });
    expect(setup.ca.ledger.finalizes).toContainEqual({ orderUrl: order.url, publicKeyFingerprint });
  });
});

describe('asynchronous finalize', () => {
  it('is processing with Retry-After until the certificate exists', async () => {
    const other = await startCaWithProofs({ finalizeMillis: 300 });
    try {
      const slow = await aRegisteredClient(other.ca);
      const order = await anOrder(slow, 'slow.example.com');
      await prove(other, slow, { order, type: 'http-01' });
      const [, csr] = await aCsr(['slow.example.com']);
      const finalized = await slow.finalizeOrder(order, csr);
      expect(finalized.status).toBe('processing');
      await expect(slow.finalizeOrder(order, csr)).rejects.toThrow('the order is processing');
      expect(await untilValid(slow, finalized)).toMatchObject({ status: 'valid' });
      expect(other.ca.ledger.issued).toHaveLength(1);
    } finally {
      await other.stop();
      await aClient(setup.ca);
    }
  });

  it('issues once when two finalize requests arrive together', async () => {
    const order = await anOrder(client, 'twice.example.com');
    await prove(setup, client, { order, type: 'http-01' });
    const [, csr] = await aCsr(['twice.example.com']);
    const results = await Promise.allSettled([
      client.finalizeOrder(order, csr),
      client.finalizeOrder(order, csr),
    ]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(setup.ca.ledger.issued.filter(({ orderUrl }) => orderUrl === order.url)).toHaveLength(1);
  });
});

describe('a failed validation', () => {
  it('leaves challenge, authorization and order invalid with the reason', async () => {
    const order = await anOrder(client, 'unproved.example.com');
    const [authorization] = await client.getAuthorizations(order);
    const challenge = authorization?.challenges.find(({ type }) => type === 'http-01');
    if (authorization === undefined || challenge === undefined) throw new Error('no http-01 challenge');
    await client.completeChallenge(challenge);
    await expect(untilValid(client, authorization)).rejects.toThrow();
    const [after] = await client.getAuthorizations(order);
    expect(after).toMatchObject({
      status: 'invalid',
      challenges: [
        { type: 'http-01', status: 'invalid', error: { type: 'urn:ietf:params:acme:error:unauthorized' } },
      ],
    });
    expect((await client.getOrder(order)).status).toBe('invalid');
  });
});

describe('nonces', () => {
  it('are refused at the set rate, and acme-client copes', async () => {
    let draws = 0;
    const everyThird = () => (draws++ % 3) / 3;
    const other = await startCaWithProofs({ badNonceRate: 0.3, random: everyThird });
    try {
      const patient = await aRegisteredClient(other.ca);
      for (const name of ['a.example.com', 'b.example.com', 'c.example.com']) {
        await obtain(other, patient, { names: [name] });
      }
      expect(other.ca.ledger.problems.badNonce).toBeGreaterThan(0);
      expect(other.ca.ledger.issued).toHaveLength(3);
    } finally {
      await other.stop();
      await aClient(setup.ca);
    }
  });
});

describe('starting', () => {
  afterEach(() => vi.unstubAllEnvs());
  const ports = { httpPort: () => 1, tlsPort: () => 1, dnsServer: () => ({ host: '127.0.0.1', port: 1 }) };

  it.each([
    ['NODE_ENV', 'production'],
    ['AWS_LAMBDA_FUNCTION_NAME', 'renew-certificate'],
  ])('is refused where %s is %s', async (name, value) => {
    vi.stubEnv(name, value);
    await expect(startAcmeCa(ports)).rejects.toMatchObject({ code: 'local-ca-in-production' });
  });
});

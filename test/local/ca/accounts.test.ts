import acme from 'acme-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AcmeCa, startAcmeCa } from '../../../local/ca/ca.ts';
import { aClient, anOrder, aRegisteredClient } from './ca-client.ts';
import { aKey, publicJwk, RawClient, signBinding, signJws } from './raw-client.ts';

const macKey = Buffer.from('a mac key of some length').toString('base64url');
const noPorts = { httpPort: () => 1, tlsPort: () => 1, dnsServer: () => ({ host: '127.0.0.1', port: 1 }) };
const agreed = { termsOfServiceAgreed: true };

let ca: AcmeCa;
let raw: RawClient;
let newAccount: string;
beforeAll(async () => {
  ca = await startAcmeCa({ ...noPorts, badNonceRate: 0 });
  raw = new RawClient(ca);
  newAccount = `${raw.origin}/acme/new-acct`;
});
afterAll(async () => {
  raw.close();
  await ca.stop();
});

describe('an account', () => {
  it('is created once per key', async () => {
    const key = aKey();
    const created = await raw.post({ url: newAccount, payload: agreed, key });
    const found = await raw.post({ url: newAccount, payload: { onlyReturnExisting: true }, key });
    expect([created.status, found.status]).toEqual([201, 200]);
    expect(found.headers.location).toBe(created.headers.location);
    expect(created.headers.link).toContain('rel="terms-of-service"');
  });

  it('is not created when only an existing one is wanted', async () => {
    const reply = await raw.post({ url: newAccount, payload: { onlyReturnExisting: true }, key: aKey() });
    expect(reply.json?.type).toBe('urn:ietf:params:acme:error:accountDoesNotExist');
  });

  it.each([
    [{}, 'malformed'],
    [{ ...agreed, contact: 'mailto:ops@example.com' }, 'malformed'],
    [{ ...agreed, contact: ['tel:+15550100'] }, 'unsupportedContact'],
    [{ ...agreed, contact: ['mailto:nobody'] }, 'invalidContact'],
    [{ ...agreed, contact: ['mailto:a@example.com,b@example.com'] }, 'invalidContact'],
    [{ ...agreed, contact: ['mailto:a@example.com?subject=x'] }, 'invalidContact'],
  ])('is refused with %j as %s', async (payload, type) => {
    const reply = await raw.post({ url: newAccount, payload, key: aKey() });
    expect(reply.json?.type).toBe(`urn:ietf:params:acme:error:${type}`);
  });

  it('changes its contacts and keeps them', async () => {
    const client = await aRegisteredClient(ca);
    await client.updateAccount({ contact: ['mailto:new@example.com'] });
    expect(await client.updateAccount()).toEqual({ status: 'valid', contact: ['mailto:new@example.com'] });
  });

  it('may do nothing more once deactivated', async () => {
    const account = await raw.register();
    const deactivated = await raw.post({ url: account.kid, payload: { status: 'deactivated' }, ...account });
    expect(deactivated.json?.status).toBe('deactivated');
    const after = await raw.post({ url: account.kid, ...account });
    expect([after.status, after.json?.type]).toEqual([401, 'urn:ietf:params:acme:error:unauthorized']);
    expect((await raw.post({ url: newAccount, payload: agreed, key: account.key })).status).toBe(401);
  });

  it('cannot be read by another account', async () => {
    const [owner, other] = [await raw.register(), await raw.register()];
    const reply = await raw.post({ url: owner.kid, ...other });
    expect([reply.status, reply.json?.type]).toEqual([403, 'urn:ietf:params:acme:error:unauthorized']);
  });
});

describe('key rollover', () => {
  it('lets the new key alone sign from then on', async () => {
    const client = await aRegisteredClient(ca);
    const accountUrl = client.getAccountUrl();
    const oldKey = await acme.crypto.createPrivateEcdsaKey();
    const changing = await aClient(ca, { accountKey: oldKey });
    await changing.createAccount(agreed);
    await changing.updateAccountKey(await acme.crypto.createPrivateEcdsaKey('P-384'));
    expect((await anOrder(changing, 'rolled.example.com')).status).toBe('pending');
    const stale = await aClient(ca, { accountKey: oldKey, accountUrl: changing.getAccountUrl() });
    await expect(anOrder(stale, 'rolled.example.com')).rejects.toThrow(/algorithm|signs with ES384/);
    expect(accountUrl).not.toBe(changing.getAccountUrl());
  });

  const keyChange = () => `${raw.origin}/acme/key-change`;
  const inner = (key: ReturnType<typeof aKey>, header: object, payload: object) =>
    signJws(key, { alg: 'ES256', url: keyChange(), jwk: publicJwk(key), ...header }, payload);

  it.each([
    ['another account', { account: 'https://127.0.0.1:1/acme/acct/other' }, {}],
    ['another old key', { oldKey: publicJwk(aKey()) }, {}],
    ['another url', {}, { url: 'https://127.0.0.1/elsewhere' }],
    ['a nonce inside', {}, { nonce: 'AAAA' }],
    ['no new key', {}, { jwk: undefined, kid: 'x' }],
  ])('is refused with %s', async (_, claim, header) => {
    const account = await raw.register();
    const payload = { account: account.kid, oldKey: publicJwk(account.key), ...claim };
    const reply = await raw.post({ url: keyChange(), payload: inner(aKey(), header, payload), ...account });
    expect([reply.status, reply.json?.type]).toEqual([400, 'urn:ietf:params:acme:error:malformed']);
  });

  it('is refused when the new key signs for somebody already, and names the holder', async () => {
    const [account, holder] = [await raw.register(), await raw.register()];
    const payload = inner(holder.key, {}, { account: account.kid, oldKey: publicJwk(account.key) });
    const reply = await raw.post({ url: keyChange(), payload, ...account });
    expect([reply.status, reply.headers.location]).toEqual([409, holder.kid]);
  });

  it('is refused when the new key has not signed the request for it', async () => {
    const [account, wanted] = [await raw.register(), aKey()];
    const claim = { account: account.kid, oldKey: publicJwk(account.key) };
    const forged = inner(account.key, { jwk: publicJwk(wanted) }, claim);
    const reply = await raw.post({ url: keyChange(), payload: forged, ...account });
    expect(reply.json?.detail).toContain('signature');
  });
});

describe('external account binding', () => {
  let bound: AcmeCa;
  let client: RawClient;
  beforeAll(async () => {
    bound = await startAcmeCa({ ...noPorts, badNonceRate: 0, externalAccounts: { 'key-1': macKey } });
    client = new RawClient(bound);
  });
  afterAll(async () => {
    client.close();
    await bound.stop();
  });

  it('is announced in the directory', async () => {
    const { json } = await client.send('GET', bound.directoryUrl);
    expect(json?.meta).toMatchObject({ externalAccountRequired: true });
  });

  it('is accepted as acme-client makes it', async () => {
    const acmeClient = await aClient(bound, { externalAccountBinding: { kid: 'key-1', hmacKey: macKey } });
    expect(await acmeClient.createAccount(agreed)).toMatchObject({ status: 'valid' });
  });

  const url = () => `${client.origin}/acme/new-acct`;
  it.each([
    ['no binding', () => undefined, 'externalAccountRequired'],
    ['an unknown key id', (key) => signBinding(macKey, { kid: 'key-2', url: url() }, key), 'unauthorized'],
    [
      'an inherited key id',
      (key) => signBinding(macKey, { kid: 'constructor', url: url() }, key),
      'unauthorized',
    ],
    ['another MAC key', (key) => signBinding('AAAA', { kid: 'key-1', url: url() }, key), 'unauthorized'],
    [
      'another url',
      (key) => signBinding(macKey, { kid: 'key-1', url: 'https://127.0.0.1/' }, key),
      'malformed',
    ],
    ['a nonce', (key) => signBinding(macKey, { kid: 'key-1', url: url(), nonce: 'x' }, key), 'malformed'],
    ['another account key', () => signBinding(macKey, { kid: 'key-1', url: url() }, aKey()), 'malformed'],
    [
      'another algorithm',
      (key) => signBinding(macKey, { kid: 'key-1', url: url(), alg: 'HS512' }, key),
      'badSignatureAlgorithm',
    ],
  ] satisfies [string, (key: ReturnType<typeof aKey>) => unknown, string][])(
    'is refused with %s',
    async (_, makeBinding, type) => {
      const key = aKey();
      const payload = { ...agreed, externalAccountBinding: makeBinding(key) };
      const reply = await client.post({ url: url(), payload, key });
      expect(reply.json?.type).toBe(`urn:ietf:params:acme:error:${type}`);
    },
  );
});

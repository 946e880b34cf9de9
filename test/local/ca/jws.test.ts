import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AcmeCa, startAcmeCa } from '../../../local/ca/ca.ts';
import { aKey, publicJwk, RawClient, type RawReply, signJws } from './raw-client.ts';

let ca: AcmeCa;
let client: RawClient;
let account: Awaited<ReturnType<RawClient['register']>>;
let newOrder: string;
let newAccount: string;

beforeAll(async () => {
  ca = await startAcmeCa({
    httpPort: () => 1,
    tlsPort: () => 1,
    dnsServer: () => ({ host: '127.0.0.1', port: 1 }),
    badNonceRate: 0,
  });
  client = new RawClient(ca);
  account = await client.register();
  newOrder = `${client.origin}/acme/new-order`;
  newAccount = `${client.origin}/acme/new-acct`;
});
afterAll(async () => {
  client.close();
  await ca.stop();
});

const payload = { identifiers: [{ type: 'dns', value: 'www.example.com' }] };
const sendText = (text: string) => client.send('POST', newOrder, { text });
const order = (header: Record<string, unknown> = {}) =>
  client.post({ url: newOrder, payload, ...account, header });

async function signedOrder() {
  const header = { alg: 'ES256', kid: account.kid, url: newOrder, nonce: await client.nonce() };
  return signJws(account.key, header, payload);
}

interface Refusal {
  readonly what: string;
  readonly send: () => Promise<RawReply>;
  readonly type: string;
  readonly status: number;
}

const refusals: Refusal[] = [
  { what: 'a body that is not JSON', send: () => sendText('{'), type: 'malformed', status: 400 },
  { what: 'a body that is a list', send: () => sendText('[]'), type: 'malformed', status: 400 },
  { what: 'an empty body', send: () => sendText(''), type: 'malformed', status: 400 },
  {
    what: 'another content type',
    send: () => client.send('POST', newOrder, { text: '{}', contentType: 'application/json' }),
    type: 'malformed',
    status: 415,
  },
  {
    what: 'a body above the size cap',
    send: () => sendText(JSON.stringify({ payload: 'x'.repeat(200_000) })),
    type: 'malformed',
    status: 413,
  },
  {
    what: 'general serialization',
    send: async () => sendText(JSON.stringify({ ...(await signedOrder()), signatures: [] })),
    type: 'malformed',
    status: 400,
  },
  {
    what: 'an unprotected header',
    send: async () => sendText(JSON.stringify({ ...(await signedOrder()), header: {} })),
    type: 'malformed',
    status: 400,
  },
  {
    what: 'padded base64',
    send: async () => sendText(JSON.stringify({ ...(await signedOrder()), payload: 'e30=' })),
    type: 'malformed',
    status: 400,
  },
  {
    what: 'no signature',
    send: async () => sendText(JSON.stringify({ ...(await signedOrder()), signature: '' })),
    type: 'malformed',
    status: 400,
  },
  {
    what: 'a changed payload',
    send: async () => sendText(JSON.stringify({ ...(await signedOrder()), payload: 'e30' })),
    type: 'malformed',
    status: 400,
  },
  {
    what: 'the signature of another key',
    send: () => client.post({ url: newOrder, payload, kid: account.kid, key: aKey() }),
    type: 'malformed',
    status: 400,
  },
  {
    what: 'a payload that is not an object',
    send: () => client.post({ url: newOrder, payload: [], ...account }),
    type: 'malformed',
    status: 400,
  },
  { what: 'no algorithm', send: () => order({ alg: undefined }), type: 'malformed', status: 400 },
  { what: 'algorithm none', send: () => order({ alg: 'none' }), type: 'badSignatureAlgorithm', status: 400 },
  { what: 'a MAC', send: () => order({ alg: 'HS256' }), type: 'badSignatureAlgorithm', status: 400 },
  {
    what: "another key type's algorithm",
    send: () => order({ alg: 'RS256' }),
    type: 'badSignatureAlgorithm',
    status: 400,
  },
  { what: 'no nonce', send: () => order({ nonce: undefined }), type: 'badNonce', status: 400 },
  { what: 'an unknown nonce', send: () => order({ nonce: 'AAAA' }), type: 'badNonce', status: 400 },
  { what: 'no url', send: () => order({ url: undefined }), type: 'malformed', status: 400 },
  {
    what: 'the url of another resource',
    send: () => order({ url: newAccount }),
    type: 'unauthorized',
    status: 403,
  },
  {
    what: 'critical extensions',
    send: () => order({ crit: ['b64'], b64: false }),
    type: 'malformed',
    status: 400,
  },
  {
    what: 'kid and jwk together',
    send: () => order({ jwk: publicJwk(account.key) }),
    type: 'malformed',
    status: 400,
  },
  {
    what: 'a bare key where an account must sign',
    send: () => client.post({ url: newOrder, payload, key: account.key }),
    type: 'malformed',
    status: 400,
  },
  {
    what: 'an account where a bare key must sign',
    send: () => client.post({ url: newAccount, payload: {}, ...account }),
    type: 'malformed',
    status: 400,
  },
  {
    what: 'an unknown account',
    send: () =>
      client.post({ url: newOrder, payload, key: account.key, kid: `${client.origin}/acme/acct/none` }),
    type: 'accountDoesNotExist',
    status: 400,
  },
  {
    what: 'a private key as jwk',
    send: () =>
      client.post({
        url: newAccount,
        payload: {},
        key: account.key,
        header: { jwk: account.key.export({ format: 'jwk' }) },
      }),
    type: 'malformed',
    status: 400,
  },
  {
    what: 'a point that is not on the curve',
    send: () =>
      client.post({
        url: newAccount,
        payload: {},
        key: account.key,
        header: { jwk: { ...publicJwk(account.key), y: 'AAAA' } },
      }),
    type: 'badPublicKey',
    status: 400,
  },
  {
    what: 'an RSA key of 1024 bits',
    send: () => {
      const key = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
      return client.post({ url: newAccount, payload: {}, key, header: { alg: 'RS256' } });
    },
    type: 'badPublicKey',
    status: 400,
  },
];

describe('a signed request', () => {
  it.each(refusals)('with $what is refused as $type', async ({ send, type, status }) => {
    const reply = await send();
    expect(reply.json).toMatchObject({ type: `urn:ietf:params:acme:error:${type}`, status });
    expect(reply.status).toBe(status);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.headers['replay-nonce']).toMatch(/^[\w-]{22}$/);
    expect(reply.headers.link).toContain('rel="index"');
  });

  it('names the accepted algorithms when it refuses one', async () => {
    const { json } = await order({ alg: 'ES512' });
    expect(json?.algorithms).toEqual(['ES256', 'ES384', 'RS256']);
  });

  it('cannot be sent twice', async () => {
    const text = JSON.stringify(await signedOrder());
    expect((await sendText(text)).status).toBe(201);
    expect((await sendText(text)).json?.type).toBe('urn:ietf:params:acme:error:badNonce');
  });

  it.each([
    ['ES384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
    ['RS256', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ])('is accepted with %s', async (alg, makeKey) => {
    const reply = await client.post({
      url: newAccount,
      payload: { termsOfServiceAgreed: true },
      key: makeKey(),
      header: { alg },
    });
    expect(reply.status).toBe(201);
  });
});

describe('an unsigned request', () => {
  it('reads the directory, which carries no nonce', async () => {
    const reply = await client.send('GET', ca.directoryUrl);
    expect(reply.json).toMatchObject({ newNonce: `${client.origin}/acme/new-nonce`, newOrder });
    expect(reply.headers['replay-nonce']).toBeUndefined();
  });

  it.each([
    ['HEAD', 200],
    ['GET', 204],
  ])('gets a fresh nonce by %s with status %i', async (method, status) => {
    const reply = await client.send(method, `${client.origin}/acme/new-nonce`);
    expect(reply.status).toBe(status);
    expect(reply.headers['cache-control']).toBe('no-store');
    expect(await client.nonce()).not.toBe(reply.headers['replay-nonce']);
  });

  it('cannot read what needs a signature', async () => {
    const reply = await client.send('GET', newOrder);
    expect(reply.status).toBe(405);
    expect(reply.headers.allow).toBe('POST');
  });

  it('finds nothing elsewhere', async () => {
    const reply = await client.send('GET', `${client.origin}/acme/constructor`);
    expect([reply.status, reply.json?.type]).toEqual([404, 'urn:ietf:params:acme:error:malformed']);
  });
});

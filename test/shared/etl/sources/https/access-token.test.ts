import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTlsPeer, type TlsPeerServer } from '../../../../support/tls-peers.ts';
import { answer, planted, type ReadOptions, readFrom } from './api-scene.ts';

const auth = {
  type: 'oauth-client-credentials',
  tokenUrl: 'https://peer.example.com/oauth/token',
  clientId: 'etl: jobs',
  secret: 'etl/client',
  scope: 'orders:read',
} as const;

interface TokenRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let api: TlsPeerServer;
let tokens: TlsPeerServer;
let tokenRequests: TokenRequest[];
let answerToken: (response: ServerResponse, count: number) => void;
let answerApi: (request: IncomingMessage, response: ServerResponse) => void;

const grant = (text: string, rest: object = { expires_in: 3600 }) =>
  JSON.stringify({ access_token: text, token_type: 'Bearer', ...rest });
const read = (options: ReadOptions = {}) =>
  readFrom(api.peer, {
    definition: { auth, pagination: { type: 'page', parameter: 'p', first: 1 } },
    tokenPeer: tokens.peer,
    secret: planted.clientSecret,
    ...options,
  });
const pageOf = (request: IncomingMessage) =>
  Number(new URL(request.url ?? '', 'https://a').searchParams.get('p'));

beforeEach(async () => {
  tokenRequests = [];
  answerToken = (response, count) => answer(response, grant(`${planted.token}-${count}`));
  answerApi = (request, response) =>
    answer(response, pageOf(request) <= 3 ? `{"id":${pageOf(request)}}\n` : '');
  tokens = await startTlsPeer('good', {
    onRequest: async (request, response) => {
      const { method, url, headers } = request;
      let body = '';
      for await (const piece of request) body += piece;
      tokenRequests.push({ method, url, headers, body });
      answerToken(response, tokenRequests.length);
    },
  });
  api = await startTlsPeer('good', { onRequest: (request, response) => answerApi(request, response) });
});

afterEach(async () => {
  await api.stop();
  await tokens.stop();
});

describe('an access token', () => {
  it('is asked for by the client credentials grant, once for all pages', async () => {
    const { rows, failure } = await read();
    expect(failure).toBeUndefined();
    expect(rows).toHaveLength(3);
    expect(tokenRequests).toHaveLength(1);
    expect(tokenRequests[0]).toMatchObject({ method: 'POST', url: '/oauth/token' });
    expect(tokenRequests[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(Object.fromEntries(new URLSearchParams(tokenRequests[0]?.body))).toEqual({
      grant_type: 'client_credentials',
      scope: 'orders:read',
    });
    const [scheme, pair = ''] = tokenRequests[0]?.headers.authorization?.split(' ') ?? [];
    expect(scheme).toBe('Basic');
    expect(Buffer.from(pair, 'base64').toString()).toBe('etl%3A+jobs:planted%2Bclient%2Fsecret+0815');
  });

  it('is exchanged before it runs out', async () => {
    const used = new Set<string | undefined>();
    answerToken = (response, count) => answer(response, grant(`t${count}`, { expires_in: 10 }));
    answerApi = (request, response) => {
      used.add(request.headers.authorization);
      const isNew = used.size > 1 || pageOf(request) === 1;
      if (isNew) answer(response, pageOf(request) <= 2 ? `{"id":${pageOf(request)}}\n` : '');
      else response.writeHead(429, { 'retry-after': '9' }).end();
    };
    const { failure, sleptMillis } = await read();
    expect(failure).toBeUndefined();
    expect(sleptMillis).toEqual([9_000]);
    expect([...used]).toEqual(['Bearer t1', 'Bearer t2']);
  });

  it('is exchanged once when the API no longer takes it', async () => {
    answerApi = (request, response) => {
      const isSecond = request.headers.authorization === `Bearer ${planted.token}-2`;
      if (pageOf(request) > 1 && !isSecond) response.writeHead(401).end(planted.body);
      else answer(response, pageOf(request) <= 3 ? `{"id":${pageOf(request)}}\n` : '');
    };
    const { rows, failure } = await read();
    expect(failure).toBeUndefined();
    expect(rows).toHaveLength(3);
    expect(tokenRequests).toHaveLength(2);
  });

  it('that is never taken fails the reading', async () => {
    answerApi = (_request, response) => response.writeHead(401).end(planted.body);
    expect((await read()).failure).toMatchObject({ code: 'source-unauthorized', disposition: 'give-up' });
    expect(tokenRequests).toHaveLength(2);
  });

  it.each<[number, Record<string, string>, string, string]>([
    [400, {}, 'token-refused', 'give-up'],
    [401, {}, 'token-refused', 'give-up'],
    [302, { location: 'https://elsewhere.example.com/' }, 'token-refused', 'give-up'],
    [429, {}, 'token-throttled', 'retry-after'],
    [503, { 'retry-after': '60' }, 'token-throttled', 'retry-after'],
    [500, {}, 'token-unavailable', 'retry'],
  ])('that is refused with %i fails as told', async (status, headers, code, disposition) => {
    answerToken = (response) => response.writeHead(status, headers).end(`{"error":"${planted.body}"}`);
    expect((await read()).failure).toMatchObject({ code, disposition });
  });

  it.each([
    ['no JSON', planted.body],
    ['no token', '{"token_type":"Bearer"}'],
    ['another type', JSON.stringify({ access_token: planted.token, token_type: 'mac' })],
    ['a token no header carries', grant(`${planted.token}\r\nX-Other: 1`)],
    ['an odd lifetime', grant(planted.token, { expires_in: -1 })],
    ['too much', grant(planted.token, { more: 'x'.repeat(100_000) })],
  ])('is not taken from an answer with %s', async (_what, body) => {
    answerToken = (response) => answer(response, body);
    expect((await read()).failure).toMatchObject({ code: 'token-answer-invalid', disposition: 'give-up' });
  });

  it('needs a token endpoint that was checked', async () => {
    await expect(
      readFrom(api.peer, { definition: { auth }, secret: planted.clientSecret }),
    ).rejects.toMatchObject({
      code: 'source-credential-invalid',
    });
  });
});

import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { SnowflakeStatements } from '../../../../../shared/etl/destinations/snowflake/statements.ts';
import { createHttpsExchange } from '../../../../../shared/etl/destinations/warehouse/exchange.https.ts';
import { createFakeClock } from '../../../../support/fake-clock.ts';
import { neverAborted } from '../builders.ts';
import { type FakeAnswer, startHttpsFake } from '../warehouse/https-fake.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const startedAt = new Date('2026-02-01T00:00:00Z');
const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** Requests and answers as docs.snowflake.com/en/developer-guide/sql-api/reference has them. */
async function makeScene(answers: readonly FakeAnswer[], account = 'example') {
  let next = 0;
  const fake = await startHttpsFake('example.snowflakecomputing.com', () => {
    const answer = answers[Math.min(next, answers.length - 1)] ?? {};
    next += 1;
    return answer;
  });
  const exchange = createHttpsExchange(fake.peer);
  stops.push(() => exchange.close(), fake.stop);
  const place = { account, user: 'loader', warehouse: 'LOADING', database: 'ANALYTICS', schema: 'PUBLIC' };
  const clock = createFakeClock(startedAt);
  const statements = new SnowflakeStatements({
    exchange,
    place,
    key: privateKey,
    clock,
    limitMillis: 60_000,
  });
  return { requests: fake.requests, statements };
}

const several = {
  statements: ['BEGIN', 'SELECT 1', 'COMMIT'],
  requestId: 'e1e2e3e4-0000-5000-8000-000000000000',
  signal: neverAborted,
};

describe('statements at Snowflake', () => {
  it('go together with their number, a request id and the place they run in', async () => {
    const { requests, statements } = await makeScene([
      { json: { statementHandle: 'h', statementHandles: ['h1', 'h2', 'h3'] } },
      { json: { statementHandle: 'h3', data: [['a', null]] } },
    ]);
    expect(await statements.run(several)).toEqual([['a', null]]);
    const [post, get] = requests;
    expect(`${post?.method} ${post?.url.pathname}${post?.url.search}`).toBe(
      'POST /api/v2/statements?requestId=e1e2e3e4-0000-5000-8000-000000000000&retry=true',
    );
    expect(JSON.parse(String(post?.body))).toEqual({
      statement: 'BEGIN;\nSELECT 1;\nCOMMIT',
      timeout: 60,
      database: 'ANALYTICS',
      schema: 'PUBLIC',
      warehouse: 'LOADING',
      parameters: { MULTI_STATEMENT_COUNT: '3' },
    });
    expect(`${get?.method} ${get?.url.pathname}`).toBe('GET /api/v2/statements/h3');
    expect(post?.headers).toMatchObject({ 'content-type': 'application/json', accept: 'application/json' });
    expect(post?.headers['x-snowflake-authorization-token-type']).toBe('KEYPAIR_JWT');
  });

  it('are asked for by their handle until they are done', async () => {
    const { requests, statements } = await makeScene([
      { status: 202, json: { statementHandle: 'h' } },
      { status: 202, json: { statementHandle: 'h' } },
      { json: { statementHandle: 'h', data: [['1']] } },
    ]);
    expect(await statements.run({ statements: ['SELECT 1'], signal: neverAborted })).toEqual([['1']]);
    expect(requests.map(({ method, url }) => `${method} ${url.pathname}`)).toEqual([
      'POST /api/v2/statements',
      'GET /api/v2/statements/h',
      'GET /api/v2/statements/h',
    ]);
  });

  it.each([['example'], ['Example.eu-central-1']])(
    'carry a token of the account %s that its key has signed',
    async (account) => {
      const { requests, statements } = await makeScene([{ json: { data: [] } }], account);
      await statements.run({ statements: ['SELECT 1'], signal: neverAborted });
      const [header = '', claims = '', signature = ''] = String(requests[0]?.headers.authorization)
        .slice(7)
        .split('.');
      const publicKey = createPublicKey(privateKey);
      const signed = Buffer.from(`${header}.${claims}`);
      expect(verify('sha256', signed, publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
      const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
      const fingerprint = createHash('sha256')
        .update(publicKey.export({ type: 'spki', format: 'der' }))
        .digest('base64');
      const iat = startedAt.getTime() / 1000;
      expect(decode(header)).toEqual({ alg: 'RS256', typ: 'JWT' });
      expect(decode(claims)).toEqual({
        iss: `EXAMPLE.LOADER.SHA256:${fingerprint}`,
        sub: 'EXAMPLE.LOADER',
        iat,
        exp: iat + 600,
      });
    },
  );

  it.each<[string, FakeAnswer, string, string]>([
    [
      'a refusal',
      { status: 422, json: { statementHandle: 'h', sqlState: '22018', message: "'anna@example.com'" } },
      'target-refused-load',
      'give-up',
    ],
    [
      'a newer load',
      { status: 422, json: { message: "Numeric value 'etl-ledger-moved' is not recognized" } },
      'etl-ledger-moved',
      'retry',
    ],
    ['a cancellation', { status: 422, json: { sqlState: '57014' } }, 'target-interrupted', 'retry'],
    ['its time-out', { status: 408, json: { statementHandle: 'h' } }, 'target-interrupted', 'retry'],
    [
      'wrong credentials',
      { status: 401, json: { message: 'JWT token is invalid. anna' } },
      'target-denied',
      'give-up',
    ],
    ['a full queue', { status: 429, headers: { 'retry-after': '7' } }, 'target-throttled', 'retry-after'],
    [
      'trouble of its own',
      { status: 500, body: Buffer.from('<html>anna</html>') },
      'target-unavailable',
      'retry',
    ],
    ['a bad request', { status: 400, json: {} }, 'target-refused-request', 'give-up'],
  ])('tell %s by its kind, never by its text', async (_, answer, code, disposition) => {
    const { statements } = await makeScene([answer]);
    const failure = await statements.run(several).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, disposition, cause: undefined });
    expect(String(failure)).not.toContain('anna');
  });
});

import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { BigQueryJobs } from '../../../../../shared/etl/destinations/bigquery/jobs.ts';
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

/** Requests and answers as cloud.google.com/bigquery/docs/reference/rest/v2 has them. */
async function makeScene(answers: readonly FakeAnswer[]) {
  let next = 0;
  const fake = await startHttpsFake('bigquery.googleapis.com', () => {
    const answer = answers[Math.min(next, answers.length - 1)] ?? {};
    next += 1;
    return answer;
  });
  const exchange = createHttpsExchange(fake.peer);
  stops.push(() => exchange.close(), fake.stop);
  const account = { email: 'loader@example.iam.gserviceaccount.com', keyId: 'k1', key: privateKey };
  const clock = createFakeClock(startedAt);
  const options = {
    exchange,
    project: 'example-project',
    location: 'EU',
    account,
    clock,
    limitMillis: 60_000,
  };
  return { requests: fake.requests, jobs: new BigQueryJobs(options) };
}

const running = { json: { jobReference: { jobId: 'j' }, status: { state: 'RUNNING' } } };
const done = { json: { jobReference: { jobId: 'j' }, status: { state: 'DONE' } } };
const ended = (errorResult: object): FakeAnswer => ({
  json: { jobReference: { jobId: 'j' }, status: { state: 'DONE', errorResult } },
});
const script = { statements: ['BEGIN TRANSACTION', 'SELECT 1'], jobId: 'j', signal: neverAborted };
const file = {
  jobId: 'j',
  load: { sourceFormat: 'NEWLINE_DELIMITED_JSON' },
  body: Buffer.from('{"a":1}\n'),
  signal: neverAborted,
};

describe('jobs at BigQuery', () => {
  it('run one script under an id, and give the rows of its last statement', async () => {
    const { requests, jobs } = await makeScene([
      running,
      running,
      done,
      { json: { rows: [{ f: [{ v: 'a' }, { v: null }] }] } },
    ]);
    expect(await jobs.query(script)).toEqual([['a', null]]);
    expect(requests.map(({ method, url }) => `${method} ${url.pathname}${url.search}`)).toEqual([
      'POST /bigquery/v2/projects/example-project/jobs',
      'GET /bigquery/v2/projects/example-project/jobs/j?location=EU',
      'GET /bigquery/v2/projects/example-project/jobs/j?location=EU',
      'GET /bigquery/v2/projects/example-project/queries/j?location=EU',
    ]);
    expect(JSON.parse(String(requests[0]?.body))).toEqual({
      jobReference: { projectId: 'example-project', location: 'EU', jobId: 'j' },
      configuration: { query: { query: 'BEGIN TRANSACTION;\nSELECT 1;', useLegacySql: false } },
    });
  });

  it('send a file along with what is to be done with it', async () => {
    const { requests, jobs } = await makeScene([running, done]);
    await jobs.load(file);
    const [upload] = requests;
    expect(`${upload?.url.pathname}${upload?.url.search}`).toBe(
      '/upload/bigquery/v2/projects/example-project/jobs?uploadType=multipart',
    );
    expect(upload?.headers['content-type']).toBe('multipart/related; boundary=certfleet-part');
    const job = JSON.stringify({
      jobReference: { projectId: 'example-project', location: 'EU', jobId: 'j' },
      configuration: { load: { sourceFormat: 'NEWLINE_DELIMITED_JSON' } },
    });
    expect(String(upload?.body)).toBe(
      `--certfleet-part\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${job}\r\n` +
        '--certfleet-part\r\nContent-Type: application/octet-stream\r\n\r\n{"a":1}\n\r\n--certfleet-part--\r\n',
    );
  });

  it('count as sent when their id is taken: the job of that id is waited for', async () => {
    const { requests, jobs } = await makeScene([
      { status: 409, json: { error: { status: 'ALREADY_EXISTS' } } },
      done,
    ]);
    await jobs.load(file);
    expect(requests[1]?.url.pathname).toBe('/bigquery/v2/projects/example-project/jobs/j');
  });

  it('carry a token that the service account signed for BigQuery alone', async () => {
    const { requests, jobs } = await makeScene([done]);
    await jobs.load(file);
    const [header = '', claims = '', signature = ''] = String(requests[0]?.headers.authorization)
      .slice(7)
      .split('.');
    const signed = Buffer.from(`${header}.${claims}`);
    expect(verify('sha256', signed, createPublicKey(privateKey), Buffer.from(signature, 'base64url'))).toBe(
      true,
    );
    const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    const iat = startedAt.getTime() / 1000;
    const email = 'loader@example.iam.gserviceaccount.com';
    expect(decode(header)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k1' });
    expect(decode(claims)).toEqual({
      iss: email,
      sub: email,
      aud: 'https://bigquery.googleapis.com/',
      iat,
      exp: iat + 3600,
    });
  });

  it.each<[string, FakeAnswer, string, string]>([
    [
      'a refusal',
      ended({ reason: 'invalid', message: 'Could not convert anna@example.com' }),
      'target-refused-load',
      'give-up',
    ],
    [
      'a newer load',
      ended({ reason: 'invalidQuery', message: 'Assertion failed: etl-ledger-moved' }),
      'etl-ledger-moved',
      'retry',
    ],
    ['trouble of its own', ended({ reason: 'backendError', message: 'anna' }), 'target-interrupted', 'retry'],
    ['wrong credentials', { status: 403, json: { error: { message: 'anna' } } }, 'target-denied', 'give-up'],
    ['too many requests', { status: 429, json: {} }, 'target-throttled', 'retry-after'],
    ['an outage', { status: 503, json: {} }, 'target-unavailable', 'retry'],
    ['a data set that is not there', { status: 404, json: {} }, 'target-refused-request', 'give-up'],
  ])('tell %s by its kind, never by its text', async (_, answer, code, disposition) => {
    const { jobs } = await makeScene([answer]);
    const failure = await jobs.query(script).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, disposition, cause: undefined });
    expect(String(failure)).not.toContain('anna');
  });
});

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RedshiftDataClient } from '@aws-sdk/client-redshift-data';
import { afterEach, describe, expect, it } from 'vitest';
import { RedshiftStatements } from '../../../../../shared/etl/destinations/redshift/statements.redshift.ts';
import { createFakeClock } from '../../../../support/fake-clock.ts';
import { neverAborted } from '../builders.ts';

type Answer = { readonly status?: number; readonly json: object };
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** Answers each action from its own list, the last answer again and again. */
async function makeScene(script: Readonly<Record<string, readonly Answer[]>>, limitMillis = 60_000) {
  const asked: { action: string; input: Record<string, unknown> }[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const action = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const before = asked.filter((each) => each.action === action).length;
    asked.push({ action, input: JSON.parse(Buffer.concat(pieces).toString('utf8')) });
    const answers = script[action] ?? [];
    const { status = 200, json } = answers[Math.min(before, answers.length - 1)] ?? { status: 404, json: {} };
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(json));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new RedshiftDataClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' },
    maxAttempts: 1,
  });
  stops.push(async () => {
    client.destroy();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const clock = createFakeClock(new Date('2026-02-01T00:00:00Z'));
  const place = { workgroup: 'reports', database: 'dev', secretArn: 'arn:aws:secretsmanager:eu:1:secret:x' };
  return { asked, clock, statements: new RedshiftStatements({ client, place, clock, limitMillis }) };
}

const submitted = [{ json: { Id: 's-1' } }];
const batch = { statements: ['SELECT 1', 'SELECT 2'], clientToken: 'f'.repeat(64), signal: neverAborted };

describe('statements at Redshift', () => {
  it('go as one batch with their place and token, and are asked for until they are done', async () => {
    const { asked, clock, statements } = await makeScene({
      BatchExecuteStatement: submitted,
      DescribeStatement: [
        { json: { Id: 's-1', Status: 'SUBMITTED' } },
        { json: { Id: 's-1', Status: 'STARTED' } },
        {
          json: {
            Id: 's-1',
            Status: 'FINISHED',
            SubStatements: [
              { Id: 's-1:1', Status: 'FINISHED', HasResultSet: false },
              { Id: 's-1:2', Status: 'FINISHED', HasResultSet: true },
            ],
          },
        },
      ],
      GetStatementResult: [
        { json: { Records: [[{ stringValue: 'a' }, { longValue: 7 }]], NextToken: 'more' } },
        { json: { Records: [[{ isNull: true }, { booleanValue: true }]] } },
      ],
    });
    expect(await statements.run(batch)).toEqual([
      ['a', '7'],
      [null, 'true'],
    ]);
    expect(asked[0]?.input).toEqual({
      Sqls: ['SELECT 1', 'SELECT 2'],
      Database: 'dev',
      WorkgroupName: 'reports',
      SecretArn: 'arn:aws:secretsmanager:eu:1:secret:x',
      ClientToken: 'f'.repeat(64),
    });
    expect(asked.filter(({ action }) => action === 'GetStatementResult').map(({ input }) => input)).toEqual([
      { Id: 's-1:2' },
      { Id: 's-1:2', NextToken: 'more' },
    ]);
    expect(clock.slept).toEqual([250, 500]);
  });

  it.each([
    [
      'a refusal',
      'FAILED',
      'ERROR: value "anna@example.com" too long for type',
      'target-refused-load',
      'give-up',
    ],
    [
      'a conflict',
      'FAILED',
      'ERROR: 1023 DETAIL: Serializable isolation violation on table',
      'target-interrupted',
      'retry',
    ],
    ['a cancellation', 'ABORTED', '', 'target-interrupted', 'retry'],
    [
      'a newer load',
      'FAILED',
      'ERROR: invalid input syntax: "etl-ledger-moved"',
      'etl-ledger-moved',
      'retry',
    ],
    ['a miscount', 'FAILED', 'ERROR: "etl-staged-count-differs"', 'etl-staged-count-differs', 'give-up'],
  ])('tell %s by its kind and the id, never by its text', async (_, Status, text, code, disposition) => {
    const SubStatements = [
      { Id: 's-1:1', Status: 'FINISHED' },
      { Id: 's-1:2', Status },
    ];
    const { statements } = await makeScene({
      BatchExecuteStatement: submitted,
      DescribeStatement: [{ json: { Id: 's-1', Status, Error: text, SubStatements } }],
    });
    const failure = await statements.run(batch).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, disposition, cause: undefined });
    expect(String(failure)).not.toContain('anna');
  });

  it.each([
    ['ThrottlingException', 'target-throttled', 'retry-after'],
    ['ActiveStatementsExceededException', 'target-throttled', 'retry-after'],
    ['AccessDeniedException', 'target-denied', 'give-up'],
    ['ValidationException', 'target-refused-request', 'give-up'],
    ['InternalServerException', 'target-unavailable', 'retry'],
  ])('tell %s as %s', async (name, code, disposition) => {
    const { statements } = await makeScene({
      BatchExecuteStatement: [{ status: 400, json: { __type: name, Message: 'SELECT secret' } }],
    });
    const failure = await statements.run(batch).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, disposition });
    expect(String(failure)).not.toContain('secret ');
  });

  it('are given up waiting for at their limit', async () => {
    const { statements } = await makeScene(
      { BatchExecuteStatement: submitted, DescribeStatement: [{ json: { Id: 's-1', Status: 'STARTED' } }] },
      20_000,
    );
    await expect(statements.run(batch)).rejects.toMatchObject({
      code: 'target-timeout',
      disposition: 'retry',
    });
  });

  it('end with the reason of the signal', async () => {
    const { statements } = await makeScene({ BatchExecuteStatement: submitted });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(statements.run({ ...batch, signal })).rejects.toThrow('enough');
  });
});

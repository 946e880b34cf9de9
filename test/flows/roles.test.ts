import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { portOf } from '../../local/loopback.ts';
import { type PassResult, runPass } from '../../local/pass.ts';
import { type LocalStack, startStack } from '../../local/stack.ts';
import { systemClock as clock } from '../../shared/runtime/clock.ts';
import { aRenewal } from '../support/builders.ts';

const wildcard = { domain: '*.example.org', challenge: 'dns-01', dns_plugin: 'route53' };
// Cannot be validated: another program holds the port its challenge is answered on.
const unproved = { domain: 'alpn.example.net', challenge: 'tls-alpn-01' };
const inventory = [
  { domain: 'www.example.com' },
  wildcard,
  unproved,
  // Cannot be deployed: a file stands where its directory should.
  { domain: 'blocked.example.com' },
  { domain: 'retired.example.com' },
];

let directory: string;
let squatter: Server;
let stack: LocalStack;
let log = '';
let withoutInventory: unknown;
let first: PassResult;
let second: PassResult;
let rolledOver: PassResult;

const pass = (runId: string, entries: readonly object[], signal = AbortSignal.timeout(60_000)) =>
  runPass(stack, {
    runId,
    inventory: JSON.stringify(entries),
    clock,
    signal,
    onProgress: () => undefined,
  });

/** Everything the functions do in a fleet's life, failures included. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'certfleet-roles-'));
  squatter = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
  stack = await startStack({
    dataDir: directory,
    tlsPort: portOf(squatter),
    limitsFactor: 100,
    onLog: (_name, text) => {
      log += text;
    },
  });
  await mkdir(join(directory, 'deployed'), { recursive: true });
  await writeFile(join(directory, 'deployed', 'blocked.example.com'), '');
  stack.aws.startPolling();
  withoutInventory = await stack.aws.lambda.call('collect-inventory', {}).catch(String);
  first = await pass('first', inventory);
  await loseMessages();
  const changed = { ...wildcard, sans: ['example.org'] };
  second = await pass('second', [changed, unproved]);
  // What failed waits for its next attempt, even if its names change meanwhile; nothing is waited for.
  await pass('third', [changed, { ...unproved, sans: ['example.net'] }], AbortSignal.abort());
  await stack.aws.lambda.call('report-run', { runId: 'first' });
  await stack.aws.lambda.call('report-run', { runId: 'first' });
  await stack.aws.lambda.call('revoke-certificate', { name: 'www.example.com', reason: 'superseded' });
  await stack.aws.lambda.call('manage-account', { action: 'roll-over-key' });
  rolledOver = await pass('rolled-over', [{ domain: 'later.example.com' }, unproved]);
  await stack.aws.lambda.call('schedule-renewals', { dryRun: true, force: true, all: true });
  await stack.slack.stop();
  await stack.aws.lambda.call('report-run', { runId: 'second' }).catch(String);
});
afterAll(async () => {
  await stack?.stop();
  squatter?.close();
  await rm(directory, { recursive: true, force: true });
});

/** Renewals whose message to the next worker was lost; the scheduler sends it again. */
async function loseMessages(): Promise<void> {
  for (const step of ['deploy', 'verify'] as const) {
    const certificateName = `${step}.example.com`;
    await stack.stores.renewals.open(aRenewal({ certificateName, step, nextActionAt: new Date(0) }));
  }
}

const resultsOf = ({ outcomes }: PassResult) =>
  Object.fromEntries(outcomes.map(({ certificateName, result }) => [certificateName, result]));

describe('the roles of the functions', () => {
  it('allow all that three passes and three reports do', () => {
    expect(withoutInventory).toMatch(/does not exist/);
    expect(resultsOf(first)).toEqual({
      '*.example.org': 'renewed',
      'alpn.example.net': 'failed',
      'blocked.example.com': 'failed',
      'retired.example.com': 'renewed',
      'www.example.com': 'renewed',
    });
    expect(resultsOf(second)).toEqual({ '*.example.org': 'renewed' });
    // By workers that were opened with the account's old key.
    expect(resultsOf(rolledOver)).toMatchObject({ 'later.example.com': 'renewed' });
    expect(log).toContain('renewals scheduled');
    expect(log).not.toMatch(/AccessDenied|AuthorizationError|not authorized/);
  });

  it('allow nothing that none of this needs, but what is not embedded', () => {
    const unused = stack.aws
      .listUnusedPermissions()
      // The pipelines' own: see etl-roles.test.ts.
      .filter(
        ({ role }) => !/^(StartEtl|ExtractRecords|TransformRecords|LoadRecords|ReportEtl)Role$/.test(role),
      )
      // Lambda itself writes the logs here.
      .filter(({ sid }) => sid !== 'WriteLogs')
      // Whether one chunk of requests is enough depends on how quick this machine is.
      .filter(({ sid, action }) => !(sid === 'KeepWithinLimits' && action.endsWith('UpdateItem')))
      .map(({ role, sid, action, resource }) => `${role} ${sid} ${action} ${resource.split(':').at(-1)}`);
    expect(unused).toEqual([
      // No CA is out of order long enough for a circuit to be closed again.
      'RenewCertificateRole KeepWithinLimits dynamodb:DeleteItem table/certfleet-dev-rate-limits',
      // The embedded CA asks for no external account.
      'RenewCertificateRole ReadDnsCredentials secretsmanager:GetSecretValue certfleet/dev/external-accounts/*',
      // SNS asks KMS in the publisher's name; here topics are not encrypted.
      'ReportRunRole EncryptReport kms:GenerateDataKey key/local-reportkey',
      'ReportRunRole EncryptReport kms:Decrypt key/local-reportkey',
    ]);
  });
});

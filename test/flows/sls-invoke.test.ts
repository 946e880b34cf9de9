import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CommandResult,
  type RunningCommand,
  startCommand,
  startProcess,
} from '../support/local-command.ts';

const functions = [
  'collect-inventory',
  'schedule-renewals',
  'renew-certificate',
  'deploy-certificate',
  'verify-certificate',
  'report-run',
  'answer-challenge',
  'start-etl',
  'extract-records',
  'transform-records',
  'load-records',
  'report-etl',
];

let directory: string;
let stack: RunningCommand;
let environment: Record<string, string>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'certfleet-invoke-'));
  const domains = join(directory, 'domains.json');
  await writeFile(domains, JSON.stringify([{ domain: 'www.example.com' }]));
  const dataDir = join(directory, 'data');
  stack = startCommand(['--domains', domains, '--data-dir', dataDir]);
  await stack.seen('The schedules go on until Ctrl-C');
  environment = readEnvironment(await readFile(join(dataDir, 'environment.sh'), 'utf8'));
  // What the local tool bundles for itself.
  await startProcess(process.execPath, ['infra/bundle.ts']).ended;
});
afterAll(async () => {
  stack.process.kill('SIGINT');
  await stack.ended;
  await rm(directory, { recursive: true, force: true });
});

const sls = (...args: string[]): Promise<CommandResult> =>
  startProcess(process.execPath, ['node_modules/serverless/bin/serverless.js', ...args], {
    ...environment,
    SLS_TELEMETRY_DISABLED: '1',
  }).ended;

describe('sls invoke against the running stack', () => {
  it('answers what the function returned, and its log', async () => {
    const result = await sls('invoke', '-f', 'schedule-renewals', '-d', '{"runId":"by-hand"}', '--log');
    expect(result.status).toBe(0);
    expect(result.stdout).toContain('"runId": "by-hand"');
    expect(result.stdout + result.stderr).toContain('renewals scheduled');
  });

  it('takes an event and answers at once', async () => {
    const result = await sls('invoke', '-f', 'report-run', '-t', 'Event', '-d', '{"runId":"by-hand"}');
    expect(result).toMatchObject({ status: 0, stdout: expect.not.stringContaining('errorMessage') });
  });

  it('ends with status 1 and the reason when the function failed', async () => {
    const result = await sls('invoke', '-f', 'collect-inventory', '-d', '{"source":"/none.json"}');
    expect(result.status).toBe(1);
    expect(result.stdout + result.stderr).toContain('does not exist');
  });

  it('sends an event that failed after its retries to the failure destination', async () => {
    await sls('invoke', '-f', 'collect-inventory', '-t', 'Event', '-d', '{"source":"/none.json"}');
    const record = await receiveOne('certfleet-dev-failed-invocations');
    expect(JSON.parse(record)).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3 },
      requestPayload: { source: '/none.json' },
    });
  });
});

describe('sls invoke starts a pipeline by hand', () => {
  const invoke = (name: string, ...args: string[]) => sls('invoke', '-f', name, ...args);

  it('after its definition was checked', async () => {
    const { stdout, status } = await invoke('start-etl', '-d', '{"validate":{"name":"orders"}}');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ valid: false, problems: expect.any(Array) });
  });

  it('rehearsed first: what it would do is told and not done', async () => {
    const { stdout } = await invoke('start-etl', '-d', '{"pipeline":"orders","dryRun":true}');
    expect(JSON.parse(stdout)).toMatchObject({ pipeline: 'orders', problems: [], chunks: 1 });
  });

  it('as the schedule does', async () => {
    const { stdout } = await invoke('start-etl', '-p', 'events/samples/start-etl.json');
    expect(JSON.parse(stdout)).toMatchObject([{ pipeline: 'orders', problems: [] }]);
  });

  it.each(['extract-records', 'transform-records', 'load-records'])(
    '%s leaves a chunk alone that nobody knows',
    async (name) => {
      const { stdout, status } = await invoke(name, '-p', `events/samples/${name}.json`);
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toEqual({ kind: 'not-taken', why: 'chunk-unknown' });
    },
  );

  it('report-etl says that a run is not there', async () => {
    const { stdout, status } = await invoke('report-etl', '-p', 'events/samples/report-etl.json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ result: 'no-such-run' });
  });

  it('and is told by code why it cannot be', async () => {
    const window = { from: '2126-11-21T11:00:00Z', to: '2126-11-21T12:00:00Z' };
    const early = await invoke('start-etl', '-d', JSON.stringify({ pipeline: 'orders', window }));
    expect(early.status).toBe(1);
    expect(early.stdout + early.stderr).toContain('"errorType": "window-not-over"');
    expect(early.stdout + early.stderr).toContain('is not over before 2126-11-21T12:00:00.000Z');
    expect(early.stdout + early.stderr).not.toMatch(/ at .*\.cjs/);
    const misspelt = await invoke('start-etl', '-d', '{"pipeline":"orders","existing":"retry"}');
    expect(misspelt.stdout + misspelt.stderr).toContain('existing: one of');
  });
});

/** Without an ARN a function knows no account; its buckets are named in full then. */
const bucketsInFull = [
  ...['-e', 'ETL_CATALOGUE_BUCKET=certfleet-dev-pipelines-000000000000'],
  ...['-e', 'ETL_WORK_BUCKET=certfleet-dev-etl-work-000000000000'],
];

it.each(functions)('sls invoke local runs %s on its sample event', async (name) => {
  const named = name === 'start-etl' ? bucketsInFull : [];
  const result = await sls('invoke', 'local', '-f', name, '-p', `events/samples/${name}.json`, ...named);
  expect(result.stdout + result.stderr).not.toMatch(/errorMessage|Exception|Error:/);
  expect(result.status).toBe(0);
});

async function receiveOne(QueueName: string): Promise<string> {
  const sqs = new SQSClient({
    region: environment.AWS_REGION ?? '',
    endpoint: environment.AWS_ENDPOINT_URL_SQS ?? '',
    useQueueUrlAsEndpoint: false,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 15 }));
  sqs.destroy();
  return Messages?.[0]?.Body ?? '';
}

const readEnvironment = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/^export (\w+)='([^']*)'$/gm)].map(([, name, value]) => [name, value]),
  );

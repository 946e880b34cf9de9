import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EmbeddedAws, startEmbeddedAws } from '../../../local/aws/embedded-aws.ts';
import { clientSettings } from '../../../local/aws/function-environment.ts';
import type { Template } from '../../../local/aws/intrinsics.ts';
import { writeBundles } from './functions.builder.ts';

const patience = { timeout: 15_000, interval: 20 };
const { resolve } = createRequire(import.meta.url);
const sdk = (name: string) => `require(${JSON.stringify(resolve(`@aws-sdk/client-${name}`))})`;

const aLambda = (name: string, Variables: Record<string, unknown> = {}) => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    FunctionName: `fleet-dev-${name}`,
    Role: { 'Fn::GetAtt': [`${name}Role`, 'Arn'] },
    Handler: `dist/${name}.handler`,
    Environment: { Variables },
  },
});
/** A role that allows each action on the resource of the logical id. */
const aRole = (...grants: readonly [action: string, logicalId: string][]) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    Policies: [
      {
        PolicyName: 'all',
        PolicyDocument: {
          Statement: grants.map(([Action, logicalId]) => ({
            Effect: 'Allow',
            Action,
            Resource: { 'Fn::GetAtt': [logicalId, 'Arn'] },
          })),
        },
      },
    ],
  },
});
const template: Template = {
  Resources: {
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        TableName: 'fleet-dev-names',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'name', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'name', KeyType: 'HASH' }],
      },
    },
    Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'fleet-dev-work' } },
    Failed: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'fleet-dev-failed' } },
    Plan: aLambda('plan', { QUEUE_URL: { Ref: 'Queue' } }),
    Work: aLambda('work', { TABLE: { Ref: 'Table' }, GREETING: 'from the template' }),
    planRole: aRole(['sqs:SendMessage', 'Queue'], ['sqs:SendMessage', 'Failed']),
    workRole: aRole(
      ['dynamodb:PutItem', 'Table'],
      ['sqs:ReceiveMessage', 'Queue'],
      ['sqs:DeleteMessage', 'Queue'],
      ['sqs:GetQueueAttributes', 'Queue'],
    ),
    Source: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
        FunctionName: { 'Fn::GetAtt': ['Work', 'Arn'] },
      },
    },
    Retries: {
      Type: 'AWS::Lambda::EventInvokeConfig',
      Properties: {
        FunctionName: { Ref: 'Plan' },
        MaximumRetryAttempts: 1,
        DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Failed', 'Arn'] } } },
      },
    },
    Tick: {
      Type: 'AWS::Events::Rule',
      Properties: {
        ScheduleExpression: 'rate(1 minute)',
        Targets: [{ Arn: { 'Fn::GetAtt': ['Plan', 'Arn'] }, Input: '{"names":[]}' }],
      },
    },
  },
};

let bundles: Awaited<ReturnType<typeof writeBundles>>;
let directory: string;
let aws: EmbeddedAws | undefined;

beforeAll(async () => {
  bundles = await writeBundles({
    plan: `const { SQSClient, SendMessageCommand } = ${sdk('sqs')};
      if (!event.names) throw new Error('no names');
      const sqs = new SQSClient({});
      for (const name of event.names) {
        await sqs.send(new SendMessageCommand({ QueueUrl: process.env.QUEUE_URL, MessageBody: name }));
      }
      return event.names.length;`,
    work: `const { DynamoDBClient, PutItemCommand } = ${sdk('dynamodb')};
      const greeting = { S: process.env.GREETING + ', ' + process.env.ADDED };
      for (const { body } of event.Records) {
        const Item = { name: { S: body }, greeting };
        await new DynamoDBClient({}).send(new PutItemCommand({ TableName: process.env.TABLE, Item }));
      }`,
  });
});
afterAll(() => bundles.remove());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'certfleet-aws-'));
});
afterEach(async () => {
  await aws?.stop();
  aws = undefined;
  await rm(directory, { recursive: true });
});

async function start(dataDir?: string): Promise<EmbeddedAws> {
  aws = await startEmbeddedAws({
    template,
    bundles: bundles.directory,
    dataDir,
    asyncRetryDelaysMillis: [1],
    functionEnvironment: (name): Record<string, string> => (name === 'work' ? { ADDED: 'and more' } : {}),
  });
  return aws;
}

const settingsFor = (running: EmbeddedAws, service: string) => ({
  ...clientSettings('eu-west-1'),
  endpoint: running.environment[`AWS_ENDPOINT_URL_${service}`] ?? '',
});

async function greetingOf(name: string, running: EmbeddedAws): Promise<string | undefined> {
  const client = new DynamoDBClient(settingsFor(running, 'DYNAMODB'));
  const Key = { name: { S: name } };
  const { Item } = await client.send(new GetItemCommand({ TableName: 'fleet-dev-names', Key }));
  client.destroy();
  return Item?.greeting?.S;
}

describe('the embedded AWS', () => {
  test('carries an invocation through queue and event source into a table', async () => {
    const running = await start();
    running.startPolling();
    expect(await running.lambda.call('plan', { names: ['a.example', 'b.example'] })).toBe(2);
    for (const name of ['a.example', 'b.example']) {
      await expect.poll(() => greetingOf(name, running), patience).toBe('from the template, and more');
    }
  });

  test('says which function failed, and how', async () => {
    const running = await start();
    await expect(running.lambda.call('plan', {})).rejects.toMatchObject({
      code: 'function-failed',
      message: 'plan: Error: no names',
    });
  });

  test('sends what failed asynchronously to its destination', async () => {
    const running = await start();
    running.lambda.invokeAsync('plan', { payload: '{"no":"names"}' });
    const client = new SQSClient(settingsFor(running, 'SQS'));
    const QueueUrl = running.queueUrlOf('fleet-dev-failed');
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
    client.destroy();
    expect(JSON.parse(Messages[0]?.Body ?? '')).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 2 },
      requestPayload: { no: 'names' },
    });
  });

  test('listens on loopback only, and refuses services it does not have', async () => {
    const { environment } = await start();
    const addresses = Object.entries(environment).filter(([name]) => name.startsWith('AWS_ENDPOINT_URL'));
    for (const [, address] of addresses) expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const answer = await fetch(environment.AWS_ENDPOINT_URL ?? '', { method: 'POST', body: '{}' });
    expect(answer.status).toBe(501);
  });

  test('keeps tables and secrets in its data directory', async () => {
    const first = await start(directory);
    first.startPolling();
    await first.lambda.call('plan', { names: ['kept.example'] });
    await expect.poll(() => greetingOf('kept.example', first), patience).toBeDefined();
    const secrets = new SecretsManagerClient(settingsFor(first, 'SECRETS_MANAGER'));
    await secrets.send(new CreateSecretCommand({ Name: 'kept', SecretString: 'value' }));
    secrets.destroy();
    await first.stop();

    const second = await start(directory);
    expect(await greetingOf('kept.example', second)).toBe('from the template, and more');
    const again = new SecretsManagerClient(settingsFor(second, 'SECRETS_MANAGER'));
    const { SecretString } = await again.send(new GetSecretValueCommand({ SecretId: 'kept' }));
    again.destroy();
    expect(SecretString).toBe('value');
  });

  test('leaves nothing behind: a process that stops it ends by itself', async () => {
    const module = new URL('../../../local/aws/embedded-aws.ts', import.meta.url).href;
    const program = `
      import { startEmbeddedAws } from ${JSON.stringify(module)};
      const aws = await startEmbeddedAws(${JSON.stringify({ template, bundles: bundles.directory })});
      aws.startPolling();
      await aws.lambda.call('plan', { names: ['a.example'] });
      aws.lambda.invokeAsync('plan', { payload: '{"no":"names"}' });
      await aws.stop();
      console.log('stopped');`;
    const path = join(directory, 'program.mjs');
    await writeFile(path, program);
    const { stdout } = await promisify(execFile)(process.execPath, [path], { timeout: 15_000 });
    expect(stdout).toBe('stopped\n');
  });
});

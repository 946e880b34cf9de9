import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CreateTopicCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageBatchCommand, SQSClient, TagQueueCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccessGuard } from '../../../../local/aws/access/guard.ts';
import { startDynamoDb } from '../../../../local/aws/dynamodb.ts';
import { clientSettings } from '../../../../local/aws/function-environment.ts';
import { startMessaging } from '../../../../local/aws/messaging.ts';
import { startS3 } from '../../../../local/aws/s3.ts';
import { startSecretsManager } from '../../../../local/aws/secrets-manager.ts';

const region = 'eu-west-1';
const at = (service: string, rest: string) => `arn:aws:${service}:${region}:000000000000:${rest}`;
const allow = (actions: string, ...resources: readonly string[]) => ({
  sid: actions,
  effect: 'Allow' as const,
  actions: [actions],
  resources,
});
const guard = createAccessGuard({
  functions: [
    {
      functionName: 'renew',
      role: {
        name: 'RenewRole',
        statements: [
          allow('dynamodb:GetItem', at('dynamodb', 'table/names')),
          allow('secretsmanager:*', at('secretsmanager', 'secret:fleet/*')),
          allow('sqs:SendMessage', at('sqs', 'work')),
          allow('sns:CreateTopic', at('sns', 'reports')),
          allow('s3:GetObject', 'arn:aws:s3:::inventory/*'),
        ],
      },
    },
  ],
});
const outside = clientSettings(region);
const inside = {
  region,
  credentials: { ...outside.credentials, accessKeyId: guard.accessKeyOf('renew') },
};
const refusalOf = (action: string, resource: string) =>
  `User: arn:aws:sts::000000000000:assumed-role/RenewRole/renew is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;

let services: [
  Awaited<ReturnType<typeof startDynamoDb>>,
  Awaited<ReturnType<typeof startSecretsManager>>,
  Awaited<ReturnType<typeof startMessaging>>,
  Awaited<ReturnType<typeof startS3>>,
];
beforeAll(async () => {
  services = await Promise.all([
    startDynamoDb({ access: { guard, region } }),
    startSecretsManager({ region, guard }),
    startMessaging(outside, { guard }),
    startS3({ guard }),
  ]);
  await services[2].create({
    queues: [{ name: 'work', arn: at('sqs', 'work'), attributes: {} }],
    topics: [{ name: 'reports', arn: at('sns', 'reports') }],
    subscriptions: [],
  });
  services[3].createBucket({ name: 'inventory', versioned: true, objectLock: false });
});
afterAll(() => Promise.all(services.map((service) => service.stop())));

/** A client of each side; both are ended with the test. */
function clientsOf<Client extends { destroy(): void }>(create: (settings: typeof inside) => Client) {
  const clients = { function: create(inside), tool: create(outside) };
  return {
    ...clients,
    [Symbol.dispose]() {
      clients.function.destroy();
      clients.tool.destroy();
    },
  };
}

describe('a function meets the refusal of the service it calls', () => {
  test('DynamoDB: AccessDeniedException, while what its role allows is answered', async () => {
    using clients = clientsOf((side) => new DynamoDBClient({ ...side, endpoint: services[0].endpoint }));
    await clients.tool.send(
      new CreateTableCommand({
        TableName: 'names',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'name', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'name', KeyType: 'HASH' }],
      }),
    );
    const put = { TableName: 'names', Item: { name: { S: 'a' }, text: { S: 'ä'.repeat(100_000) } } };
    await clients.tool.send(new PutItemCommand(put));
    await expect(clients.function.send(new PutItemCommand(put))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: refusalOf('dynamodb:PutItem', at('dynamodb', 'table/names')),
      $metadata: { httpStatusCode: 400 },
    });
    const get = new GetItemCommand({ TableName: 'names', Key: { name: { S: 'a' } } });
    expect((await clients.function.send(get)).Item?.text?.S).toHaveLength(100_000);
  });

  test('Secrets Manager: AccessDeniedException', async () => {
    using clients = clientsOf(
      (side) => new SecretsManagerClient({ ...side, endpoint: services[1].endpoint }),
    );
    await clients.function.send(new CreateSecretCommand({ Name: 'fleet/a', SecretString: 'mine' }));
    await clients.tool.send(new CreateSecretCommand({ Name: 'other/a', SecretString: 'theirs' }));
    const mine = await clients.function.send(new GetSecretValueCommand({ SecretId: 'fleet/a' }));
    expect(mine.SecretString).toBe('mine');
    await expect(
      clients.function.send(new GetSecretValueCommand({ SecretId: 'other/a' })),
    ).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: refusalOf('secretsmanager:GetSecretValue', at('secretsmanager', 'secret:other/a-??????')),
    });
  });

  test('SQS: AccessDeniedException, also for what is not known here', async () => {
    using clients = clientsOf((side) => new SQSClient({ ...side, endpoint: services[2].endpoint }));
    const Entries = [{ Id: '0', MessageBody: 'hello' }];
    const send = (name: string) =>
      clients.function.send(new SendMessageBatchCommand({ QueueUrl: services[2].queueUrlOf(name), Entries }));
    expect((await send('work')).Successful).toHaveLength(1);
    await expect(send('other')).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: refusalOf('sqs:SendMessage', at('sqs', 'other')),
    });
    const tag = new TagQueueCommand({ QueueUrl: services[2].queueUrlOf('work'), Tags: { a: 'b' } });
    await expect(clients.function.send(tag)).rejects.toThrow('does not know which permissions it takes');
    await clients.tool.send(tag);
  });

  test('SNS: AuthorizationError', async () => {
    using clients = clientsOf((side) => new SNSClient({ ...side, endpoint: services[2].endpoint }));
    const { TopicArn } = await clients.function.send(new CreateTopicCommand({ Name: 'reports' }));
    const publish = new PublishCommand({ TopicArn, Message: 'hello' });
    await expect(clients.function.send(publish)).rejects.toMatchObject({
      name: expect.stringMatching(/^AuthorizationError/),
      message: refusalOf('sns:Publish', at('sns', 'reports')),
      $metadata: { httpStatusCode: 403 },
    });
    expect((await clients.tool.send(publish)).MessageId).toBeDefined();
  });

  test('S3: AccessDenied, also for a missing key where the bucket may not be listed', async () => {
    using clients = clientsOf(
      (side) => new S3Client({ ...side, endpoint: services[3].endpoint, forcePathStyle: true }),
    );
    const object = { Bucket: 'inventory', Key: 'a/domains.json' };
    await clients.tool.send(new PutObjectCommand({ ...object, Body: '[]' }));
    const { Body } = await clients.function.send(new GetObjectCommand(object));
    expect(await Body?.transformToString()).toBe('[]');
    await expect(
      clients.function.send(new PutObjectCommand({ ...object, Body: '[]' })),
    ).rejects.toMatchObject({
      name: 'AccessDenied',
      message: refusalOf('s3:PutObject', 'arn:aws:s3:::inventory/a/domains.json'),
      $metadata: { httpStatusCode: 403 },
    });
    const missing = new GetObjectCommand({ ...object, Key: 'none' });
    await expect(clients.function.send(missing)).rejects.toMatchObject({
      name: 'AccessDenied',
      message: refusalOf('s3:ListBucket', 'arn:aws:s3:::inventory'),
    });
    await expect(clients.tool.send(missing)).rejects.toMatchObject({ name: 'NoSuchKey' });
    const headMissing = new HeadObjectCommand({ ...object, Key: 'none' });
    await expect(clients.function.send(headMissing)).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
    const ofVersion = new GetObjectCommand({ ...object, VersionId: 'v1' });
    await expect(clients.function.send(ofVersion)).rejects.toMatchObject({
      message: refusalOf('s3:GetObjectVersion', 'arn:aws:s3:::inventory/a/domains.json'),
    });
  });
});

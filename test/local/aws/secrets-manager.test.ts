import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clientSettings } from '../../../local/aws/function-environment.ts';
import type { Endpoint } from '../../../local/aws/http-endpoint.ts';
import { startSecretsManager } from '../../../local/aws/secrets-manager.ts';

const region = 'eu-west-1';
let now = new Date('2026-11-21T00:00:00Z');
const clock = { now: () => now, sleep: async () => {} };

let service: Endpoint;
let client: SecretsManagerClient;
async function start(directory?: string) {
  service = await startSecretsManager({ region, clock, directory });
  client = new SecretsManagerClient({
    ...clientSettings(region),
    endpoint: service.endpoint,
    maxAttempts: 1,
  });
}
async function stop() {
  client.destroy();
  await service.stop();
}

const Name = 'certfleet/dev/certificates/example.com';
const create = (SecretString?: string) => client.send(new CreateSecretCommand({ Name, SecretString }));
const put = (SecretString: string, options: { token?: string; stages?: string[] } = {}) =>
  client.send(
    new PutSecretValueCommand({
      SecretId: Name,
      SecretString,
      ClientRequestToken: options.token ?? randomUUID(),
      VersionStages: options.stages,
    }),
  );
const read = async (wanted: { VersionStage?: string; VersionId?: string } = {}) =>
  (await client.send(new GetSecretValueCommand({ SecretId: Name, ...wanted }))).SecretString;
const move = (VersionStage: string, MoveToVersionId?: string, RemoveFromVersionId?: string) =>
  client.send(
    new UpdateSecretVersionStageCommand({
      SecretId: Name,
      VersionStage,
      MoveToVersionId,
      RemoveFromVersionId,
    }),
  );
const stages = async () =>
  (await client.send(new DescribeSecretCommand({ SecretId: Name }))).VersionIdsToStages ?? {};
const refusal = (name: string) => expect.objectContaining({ name });

beforeEach(() => {
  now = new Date('2026-11-21T00:00:00Z');
  return start();
});
afterEach(stop);

describe('versions', () => {
  test('a new value becomes current and the one before previous', async () => {
    const first = await create('one');
    const second = await put('two');
    expect([await read(), await read({ VersionStage: 'AWSPREVIOUS' })]).toEqual(['two', 'one']);
    expect(await stages()).toEqual({
      [String(first.VersionId)]: ['AWSPREVIOUS'],
      [String(second.VersionId)]: ['AWSCURRENT'],
    });
  });

  test('the same token with the same value changes nothing, with another value it is refused', async () => {
    await create('one');
    const token = randomUUID();
    await put('key', { token, stages: ['AWSPENDING'] });
    const again = await put('key', { token, stages: ['AWSPENDING'] });
    expect(again.VersionStages).toEqual(['AWSPENDING']);
    await expect(put('other key', { token, stages: ['AWSPENDING'] })).rejects.toEqual(
      refusal('ResourceExistsException'),
    );
    expect(await read({ VersionStage: 'AWSPENDING' })).toBe('key');
    expect(await read()).toBe('one');
  });

  test('the first version is current whatever stages it asks for', async () => {
    await create();
    await put('key', { stages: ['AWSPENDING'] });
    expect([await read(), await read({ VersionStage: 'AWSPENDING' })]).toEqual(['key', 'key']);
  });

  test('binary values come back as they were', async () => {
    const SecretBinary = Uint8Array.from([0, 255, 7]);
    await client.send(new CreateSecretCommand({ Name, SecretBinary }));
    const { SecretBinary: kept } = await client.send(new GetSecretValueCommand({ SecretId: Name }));
    expect([...(kept ?? [])]).toEqual([0, 255, 7]);
  });

  test('versions without a label are dropped beyond a hundred', async () => {
    await create('0');
    for (let count = 1; count <= 105; count += 1) await put(String(count));
    const { Versions = [] } = await client.send(
      new ListSecretVersionIdsCommand({ SecretId: Name, IncludeDeprecated: true, MaxResults: 100 }),
    );
    expect(Versions).toHaveLength(100);
    expect([await read(), await read({ VersionStage: 'AWSPREVIOUS' })]).toEqual(['105', '104']);
  });
});

describe('staging labels', () => {
  test('moving AWSCURRENT leaves AWSPREVIOUS on the version it came from', async () => {
    const { VersionId: one } = await create('one');
    const { VersionId: two } = await put('two', { stages: ['AWSPENDING'] });
    await move('AWSCURRENT', two, one);
    expect([await read(), await read({ VersionStage: 'AWSPREVIOUS' })]).toEqual(['two', 'one']);
    await move('AWSCURRENT', two);
    await move('AWSPENDING', undefined, two);
    expect(await stages()).toEqual({ [String(one)]: ['AWSPREVIOUS'], [String(two)]: ['AWSCURRENT'] });
  });

  test('a label is taken only from the version that is named', async () => {
    const { VersionId: one } = await create('one');
    const { VersionId: two } = await put('two', { stages: ['AWSPENDING'] });
    await expect(move('AWSCURRENT', two)).rejects.toEqual(refusal('InvalidParameterException'));
    await expect(move('AWSCURRENT', two, two)).rejects.toEqual(refusal('InvalidParameterException'));
    await expect(move('AWSCURRENT', undefined, one)).rejects.toEqual(refusal('InvalidParameterException'));
    await expect(move('AWSCURRENT', randomUUID(), one)).rejects.toEqual(refusal('ResourceNotFoundException'));
    expect(await read()).toBe('one');
  });
});

describe('refusals', () => {
  test('what is not there is not found', async () => {
    await expect(read()).rejects.toEqual(refusal('ResourceNotFoundException'));
    const { VersionId } = await create('one');
    await expect(read({ VersionStage: 'AWSPREVIOUS' })).rejects.toEqual(refusal('ResourceNotFoundException'));
    await expect(read({ VersionId: randomUUID() })).rejects.toEqual(refusal('ResourceNotFoundException'));
    const mismatch = read({ VersionId: String(VersionId), VersionStage: 'AWSPENDING' });
    await expect(mismatch).rejects.toEqual(refusal('InvalidRequestException'));
  });

  test('a name is taken once, and only with the characters AWS allows', async () => {
    await create('one');
    await expect(create('one')).rejects.toEqual(refusal('ResourceExistsException'));
    const bad = client.send(new CreateSecretCommand({ Name: '*.example.com' }));
    await expect(bad).rejects.toEqual(refusal('InvalidParameterException'));
  });

  test('a value over 64 KiB, none, or two are refused', async () => {
    await create('one');
    await put('x'.repeat(65_536));
    await expect(put('x'.repeat(65_537))).rejects.toEqual(refusal('LimitExceededException'));
    const none = client.send(new PutSecretValueCommand({ SecretId: Name }));
    await expect(none).rejects.toEqual(refusal('InvalidParameterException'));
    const both = { SecretId: Name, SecretString: 'a', SecretBinary: Uint8Array.of(1) };
    await expect(client.send(new PutSecretValueCommand(both))).rejects.toEqual(
      refusal('InvalidParameterException'),
    );
  });
});

describe('deletion', () => {
  test('a deleted secret is closed, can be restored, and is gone after its recovery window', async () => {
    await create('one');
    await client.send(new DeleteSecretCommand({ SecretId: Name, RecoveryWindowInDays: 7 }));
    await expect(read()).rejects.toEqual(refusal('InvalidRequestException'));
    await expect(create('two')).rejects.toEqual(refusal('InvalidRequestException'));
    await client.send(new RestoreSecretCommand({ SecretId: Name }));
    expect(await read()).toBe('one');
    await client.send(new DeleteSecretCommand({ SecretId: Name, RecoveryWindowInDays: 7 }));
    now = new Date('2026-11-28T00:00:00Z');
    await expect(read()).rejects.toEqual(refusal('ResourceNotFoundException'));
    await create('two');
    expect(await read()).toBe('two');
  });

  test('a forced deletion is immediate and may be repeated', async () => {
    await create('one');
    const force = () =>
      client.send(new DeleteSecretCommand({ SecretId: Name, ForceDeleteWithoutRecovery: true }));
    await force();
    await force();
    await expect(read()).rejects.toEqual(refusal('ResourceNotFoundException'));
  });
});

test('secrets are listed by name, page by page, and found by ARN', async () => {
  for (const name of ['b', 'a', 'c'])
    await client.send(new CreateSecretCommand({ Name: name, SecretString: name }));
  const first = await client.send(new ListSecretsCommand({ MaxResults: 2 }));
  const second = await client.send(new ListSecretsCommand({ MaxResults: 2, NextToken: first.NextToken }));
  expect(first.SecretList?.map((secret) => secret.Name)).toEqual(['a', 'b']);
  expect(second.SecretList?.map((secret) => secret.Name)).toEqual(['c']);
  expect(second.NextToken).toBeUndefined();
  const arn = second.SecretList?.[0]?.ARN ?? '';
  for (const SecretId of [arn, arn.slice(0, -7)]) {
    expect((await client.send(new GetSecretValueCommand({ SecretId }))).SecretString).toBe('c');
  }
});

describe('kept in a directory', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'certfleet-secrets-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test('another process goes on with every version and label', async () => {
    await stop();
    await start(directory);
    await create('one');
    await put('two');
    await put('three', { stages: ['AWSPENDING'] });
    const before = await stages();
    await stop();
    await start(directory);
    expect(await stages()).toEqual(before);
    expect([await read(), await read({ VersionStage: 'AWSPENDING' })]).toEqual(['two', 'three']);
  });

  test('each secret is one file for its owner alone, and a forced deletion removes it', async () => {
    await stop();
    await start(directory);
    await create('one');
    await put('two');
    const [file = '', ...others] = await readdir(directory);
    expect(others).toEqual([]);
    expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(join(directory, file), 'utf8'))).toMatchObject({ name: Name });
    await client.send(new DeleteSecretCommand({ SecretId: Name, ForceDeleteWithoutRecovery: true }));
    expect(await readdir(directory)).toEqual([]);
  });
});

import { createPublicKey, verify } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CancelKeyDeletionCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GetPublicKeyCommand,
  KMSClient,
  ScheduleKeyDeletionCommand,
  SignCommand,
} from '@aws-sdk/client-kms';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AccessGuard, createAccessGuard } from '../../../local/aws/access/guard.ts';
import { clientSettings } from '../../../local/aws/function-environment.ts';
import type { Endpoint } from '../../../local/aws/http-endpoint.ts';
import { startKms } from '../../../local/aws/kms/service.ts';
import { readTemplate } from '../../../local/aws/template.ts';

const region = 'eu-west-1';
const arnOf = (name: string) => `arn:aws:kms:${region}:000000000000:${name}`;
const signing = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' };
const plan = readTemplate(
  {
    Resources: {
      CellsKey: { Type: 'AWS::KMS::Key', Properties: { Description: 'Cells', EnableKeyRotation: true } },
      OtherKey: { Type: 'AWS::KMS::Key' },
      IdleKey: { Type: 'AWS::KMS::Key', Properties: { Enabled: false } },
      RecordsKey: { Type: 'AWS::KMS::Key', Properties: signing },
      CellsAlias: {
        Type: 'AWS::KMS::Alias',
        Properties: { AliasName: 'alias/cells', TargetKeyId: { Ref: 'CellsKey' } },
      },
      RecordsAlias: {
        Type: 'AWS::KMS::Alias',
        Properties: { AliasName: 'alias/records', TargetKeyId: { 'Fn::GetAtt': ['RecordsKey', 'Arn'] } },
      },
      Use: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          FunctionName: 'use',
          Handler: 'dist/use.handler',
          Environment: {
            Variables: {
              KEY: { Ref: 'CellsKey' },
              KEY_ARN: { 'Fn::GetAtt': ['CellsKey', 'Arn'] },
              KEY_ALIAS: { Ref: 'CellsAlias' },
            },
          },
        },
      },
    },
  },
  { region, sqsEndpoint: 'http://127.0.0.1:1' },
);

let service: Endpoint;
let client: KMSClient;
async function start(options: { directory?: string; guard?: AccessGuard } = {}) {
  service = await startKms(plan, { region, ...options });
  client = new KMSClient({ ...clientSettings(region), endpoint: service.endpoint, maxAttempts: 1 });
}
async function stop() {
  client.destroy();
  await service.stop();
}
beforeEach(() => start());
afterEach(stop);

const context = { 'certfleet:run': 'run-1', 'certfleet:table': 'orders' };
const refusal = (name: string) => expect.objectContaining({ name });
const generate = (KeyId = 'alias/cells') =>
  client.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext: context }));
const decrypt = (
  CiphertextBlob: Uint8Array | undefined,
  more: { KeyId?: string; EncryptionContext?: Record<string, string> } = {},
) => client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: context, ...more }));
const sign = (MessageType: 'RAW' | 'DIGEST', Message: Uint8Array, KeyId = 'alias/records') =>
  client.send(new SignCommand({ KeyId, Message, MessageType, SigningAlgorithm: 'ECDSA_SHA_256' }));

describe('keys of the template', () => {
  test('are named by id, ARN, alias and alias ARN, as functions are told', async () => {
    expect(plan.functions[0]?.environment).toEqual({
      KEY: 'local-cellskey',
      KEY_ARN: arnOf('key/local-cellskey'),
      KEY_ALIAS: 'alias/cells',
    });
    for (const KeyId of [
      'local-cellskey',
      arnOf('key/local-cellskey'),
      'alias/cells',
      arnOf('alias/cells'),
    ]) {
      const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }));
      expect(KeyMetadata).toMatchObject({
        Arn: arnOf('key/local-cellskey'),
        Description: 'Cells',
        Enabled: true,
        KeySpec: 'SYMMETRIC_DEFAULT',
        KeyState: 'Enabled',
      });
    }
  });

  test.each(['none', 'alias/none', arnOf('alias/none'), 'arn:aws:kms:us-east-1:000000000000:alias/cells'])(
    'are the only ones: %s is not found',
    async (KeyId) => {
      await expect(client.send(new DescribeKeyCommand({ KeyId }))).rejects.toEqual(
        refusal('NotFoundException'),
      );
    },
  );

  test('of a kind that is not there, or for a use they cannot have, are refused with their place', () => {
    const read = (Properties: object) =>
      readTemplate(
        { Resources: { OddKey: { Type: 'AWS::KMS::Key', Properties: { ...Properties } } } },
        { region, sqsEndpoint: 'http://127.0.0.1:1' },
      );
    expect(() => read({ KeySpec: 'RSA_2048' })).toThrow(/^OddKey: KeySpec/);
    expect(() => read({ KeySpec: 'ECC_NIST_P256' })).toThrow(/^OddKey: KeyUsage/);
  });
});

describe('data keys', () => {
  test('open again under their context, whatever its order, with or without their key named', async () => {
    const { CiphertextBlob, Plaintext, KeyId } = await generate();
    expect([Plaintext?.length, KeyId]).toEqual([32, arnOf('key/local-cellskey')]);
    const turned = Object.fromEntries(Object.entries(context).reverse());
    for (const more of [{}, { KeyId: 'alias/cells' }, { EncryptionContext: turned }]) {
      expect((await decrypt(CiphertextBlob, more)).Plaintext).toEqual(Plaintext);
    }
  });

  test('do not open under another context, another key, or when a byte was changed', async () => {
    const { CiphertextBlob = new Uint8Array() } = await generate();
    const others = [{}, { ...context, more: 'x' }, { ...context, 'certfleet:run': 'run-2' }];
    for (const EncryptionContext of others) {
      await expect(decrypt(CiphertextBlob, { EncryptionContext })).rejects.toEqual(
        refusal('InvalidCiphertextException'),
      );
    }
    await expect(decrypt(CiphertextBlob, { KeyId: 'local-otherkey' })).rejects.toEqual(
      refusal('IncorrectKeyException'),
    );
    for (const index of CiphertextBlob.keys()) {
      const changed = Uint8Array.from(CiphertextBlob);
      changed[index] = (changed[index] ?? 0) ^ 1;
      await expect(decrypt(changed)).rejects.toEqual(refusal('InvalidCiphertextException'));
    }
  });

  test('come in the sizes KMS has', async () => {
    const sizeOf = async (input: { KeySpec?: 'AES_128' | 'AES_256'; NumberOfBytes?: number }) =>
      (await client.send(new GenerateDataKeyCommand({ KeyId: 'alias/cells', ...input }))).Plaintext?.length;
    expect(await sizeOf({ KeySpec: 'AES_128' })).toBe(16);
    expect(await sizeOf({ NumberOfBytes: 64 })).toBe(64);
    await expect(sizeOf({})).rejects.toEqual(refusal('ValidationException'));
    await expect(sizeOf({ NumberOfBytes: 1025 })).rejects.toEqual(refusal('ValidationException'));
  });

  test('are made of texts as well, to 4,096 bytes', async () => {
    const encrypt = (Plaintext: Uint8Array) =>
      client.send(new EncryptCommand({ KeyId: 'alias/cells', Plaintext, EncryptionContext: context }));
    const plaintext = new Uint8Array(4096).fill(3);
    const { CiphertextBlob } = await encrypt(plaintext);
    expect((await decrypt(CiphertextBlob)).Plaintext).toEqual(plaintext);
    await expect(encrypt(new Uint8Array(4097))).rejects.toEqual(refusal('ValidationException'));
  });
});

describe('signatures', () => {
  const publicKey = async () => {
    const answer = await client.send(new GetPublicKeyCommand({ KeyId: 'alias/records' }));
    expect(answer).toMatchObject({ KeySpec: 'ECC_NIST_P256', SigningAlgorithms: ['ECDSA_SHA_256'] });
    return createPublicKey({ key: Buffer.from(answer.PublicKey ?? []), format: 'der', type: 'spki' });
  };

  test('are good over messages and over digests', async () => {
    const key = await publicKey();
    const digestOf = async (data: Uint8Array) => new Uint8Array(await crypto.subtle.digest('SHA-256', data));
    for (let index = 0; index < 50; index += 1) {
      const data = new Uint8Array(index).fill(index);
      const { Signature = new Uint8Array() } = await sign('DIGEST', await digestOf(data));
      expect(verify('sha256', data, key, Signature)).toBe(true);
    }
    const data = new Uint8Array(4096);
    const { Signature = new Uint8Array() } = await sign('RAW', data);
    expect(verify('sha256', data, key, Signature)).toBe(true);
  });

  test('are refused for what is too long, no digest, or by a key that is not there for it', async () => {
    const digest = new Uint8Array(32);
    await expect(sign('RAW', new Uint8Array(4097))).rejects.toEqual(refusal('ValidationException'));
    await expect(sign('DIGEST', new Uint8Array(31))).rejects.toEqual(refusal('ValidationException'));
    await expect(sign('DIGEST', digest, 'alias/cells')).rejects.toEqual(refusal('InvalidKeyUsageException'));
    await expect(generate('alias/records')).rejects.toEqual(refusal('InvalidKeyUsageException'));
  });
});

describe('a key that may not work', () => {
  test('is disabled, by the template or by hand, until it is enabled', async () => {
    await expect(generate('local-idlekey')).rejects.toEqual(refusal('DisabledException'));
    const { CiphertextBlob } = await generate();
    await client.send(new DisableKeyCommand({ KeyId: 'local-cellskey' }));
    await expect(decrypt(CiphertextBlob)).rejects.toEqual(refusal('DisabledException'));
    await client.send(new EnableKeyCommand({ KeyId: 'local-cellskey' }));
    expect((await decrypt(CiphertextBlob)).Plaintext).toHaveLength(32);
  });

  test('is to be deleted, until that is taken back', async () => {
    const KeyId = 'local-cellskey';
    const { CiphertextBlob } = await generate();
    await client.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
    await expect(decrypt(CiphertextBlob)).rejects.toEqual(refusal('KMSInvalidStateException'));
    await expect(client.send(new EnableKeyCommand({ KeyId }))).rejects.toEqual(
      refusal('KMSInvalidStateException'),
    );
    await client.send(new CancelKeyDeletionCommand({ KeyId }));
    await client.send(new EnableKeyCommand({ KeyId }));
    expect((await decrypt(CiphertextBlob)).Plaintext).toHaveLength(32);
  });
});

describe('a second start', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'certfleet-kms-'));
  });
  afterEach(() => rm(directory, { recursive: true }));
  const restart = async (kept?: string) => {
    await stop();
    await start(kept === undefined ? {} : { directory: kept });
  };

  test('opens what the first wrapped, signs by the same key, and knows which are disabled', async () => {
    const place = join(directory, 'kms');
    await restart(place);
    const publicKey = async () =>
      (await client.send(new GetPublicKeyCommand({ KeyId: 'alias/records' }))).PublicKey;
    const [wrapped, before] = [await generate(), await publicKey()];
    await client.send(new DisableKeyCommand({ KeyId: 'local-otherkey' }));
    await restart(place);
    expect((await decrypt(wrapped.CiphertextBlob)).Plaintext).toEqual(wrapped.Plaintext);
    expect(await publicKey()).toEqual(before);
    await expect(generate('local-otherkey')).rejects.toEqual(refusal('DisabledException'));
  });

  test('without the directory of the first opens nothing of it', async () => {
    const { CiphertextBlob } = await generate();
    await restart();
    await expect(decrypt(CiphertextBlob)).rejects.toEqual(refusal('InvalidCiphertextException'));
  });

  test('finds files that only their owner may read, and no half-written one', async () => {
    const place = join(directory, 'kms');
    await restart(place);
    const files = await readdir(place);
    expect(files.sort()).toEqual(
      ['cells', 'idle', 'other', 'records'].map((name) => `local-${name}key.json`),
    );
    for (const file of files) expect((await stat(join(place, file))).mode & 0o777).toBe(0o600);
    const kept = await readFile(join(place, 'local-cellskey.json'));
    await writeFile(join(place, 'local-cellskey.json.new'), 'cut sho');
    const { CiphertextBlob } = await generate();
    await restart(place);
    expect((await decrypt(CiphertextBlob)).Plaintext).toHaveLength(32);
    expect(await readFile(join(place, 'local-cellskey.json'))).toEqual(kept);
  });
});

describe('requests', () => {
  test('that are no JSON or ask for what is not there are refused as KMS does', async () => {
    const post = async (target: string, body: string) => {
      const headers = { 'x-amz-target': target };
      const answer = await fetch(service.endpoint, { method: 'POST', headers, body });
      return [answer.status, answer.headers.get('x-amzn-errortype')];
    };
    expect(await post('TrentService.Decrypt', '{')).toEqual([400, 'SerializationException']);
    expect(await post('TrentService.Decrypt', '[]')).toEqual([400, 'ValidationException']);
    expect(await post('TrentService.constructor', '{}')).toEqual([400, 'UnknownOperationException']);
    await expect(client.send(new CreateKeyCommand({}))).rejects.toEqual(refusal('UnknownOperationException'));
  });

  test('of a function go as far as its role, on keys and not on aliases', async () => {
    const statement = {
      sid: 'Open',
      effect: 'Allow' as const,
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: [arnOf('key/local-cellskey')],
    };
    const guard = createAccessGuard({
      functions: [{ functionName: 'use', role: { name: 'UseRole', statements: [statement] } }],
    });
    await stop();
    await start({ guard });
    const wrappedElsewhere = await generate('local-otherkey');
    client.destroy();
    client = new KMSClient({
      region,
      credentials: { accessKeyId: guard.accessKeyOf('use'), secretAccessKey: 'local' },
      endpoint: service.endpoint,
      maxAttempts: 1,
    });
    const { CiphertextBlob } = await generate('alias/cells');
    expect((await decrypt(CiphertextBlob)).Plaintext).toHaveLength(32);
    for (const refused of [
      generate('local-otherkey'),
      generate('alias/none'),
      decrypt(wrappedElsewhere.CiphertextBlob),
      sign('RAW', new Uint8Array(1)),
      client.send(new DisableKeyCommand({ KeyId: 'local-cellskey' })),
    ]) {
      await expect(refused).rejects.toEqual(refusal('AccessDeniedException'));
    }
    expect(guard.listUnusedPermissions()).toEqual([]);
  });
});

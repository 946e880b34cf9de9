import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientSettings } from '../../../../local/aws/function-environment.ts';
import { startSecretsManager } from '../../../../local/aws/secrets-manager.ts';
import { readPseudonymKey } from '../../../../shared/etl/keys/pseudonym-key.secrets-manager.ts';
import { systemRandom } from '../../../../shared/runtime/random.ts';
import { createSecretStore, type SecretStore } from '../../../../shared/runtime/secrets.ts';

const region = 'eu-west-1';
let service: Awaited<ReturnType<typeof startSecretsManager>>;
let client: SecretsManagerClient;
let secrets: SecretStore;
let names = 0;
const newName = () => `certfleet/dev/etl/pseudonyms-${names++}`;
const put = async (value: object) => {
  const name = newName();
  await secrets.create({ name, versionId: 'v'.repeat(32), value });
  return name;
};

beforeAll(async () => {
  service = await startSecretsManager({ region });
  client = new SecretsManagerClient({ ...clientSettings(region), endpoint: service.endpoint });
  secrets = createSecretStore(client);
});
afterAll(async () => {
  client.destroy();
  await service.stop();
});

describe('the key of pseudonyms', () => {
  it('is made where there is none, 32 bytes of version 1, and found again', async () => {
    const name = newName();
    const made = await readPseudonymKey(secrets, name, systemRandom);
    expect(made.version).toBe(1);
    expect(made.key.export()).toHaveLength(32);
    const found = await readPseudonymKey(secrets, name, systemRandom);
    expect(found.key.equals(made.key)).toBe(true);
    const other = await readPseudonymKey(secrets, newName(), systemRandom);
    expect(other.key.equals(made.key)).toBe(false);
  });

  it('is one for all who make it at the same time', async () => {
    const name = newName();
    const keys = await Promise.all(
      Array.from({ length: 8 }, () => readPseudonymKey(secrets, name, systemRandom)),
    );
    expect(new Set(keys.map(({ key }) => key.export().toString('hex'))).size).toBe(1);
  });

  it('is taken as people put it, with its version and its length', async () => {
    const name = await put({ version: 3, key: Buffer.alloc(48, 9).toString('base64') });
    const { version, key } = await readPseudonymKey(secrets, name, systemRandom);
    expect([version, key.export()]).toEqual([3, Buffer.alloc(48, 9)]);
  });

  it.each([
    ['no key', { version: 1 }],
    ['no version', { key: Buffer.alloc(32).toString('base64') }],
    ['a version of 0', { version: 0, key: Buffer.alloc(32).toString('base64') }],
    ['a key of 31 bytes', { version: 1, key: Buffer.alloc(31).toString('base64') }],
    ['a key that is no base64', { version: 1, key: `canary${'!'.repeat(40)}` }],
    ['more than that', { version: 1, key: Buffer.alloc(32).toString('base64'), canary: true }],
  ])('with %s is refused without being quoted', async (_, value) => {
    const name = await put(value);
    const failure = await readPseudonymKey(secrets, name, systemRandom).catch((error) => error);
    expect(failure).toMatchObject({ code: 'pseudonym-key-malformed', disposition: 'give-up' });
    expect(failure.message).toContain(name);
    expect(failure.message).not.toContain('canary');
  });

  it('that exists and cannot be read back yet is to be tried again', async () => {
    const lagging = { ...secrets, read: async () => undefined, create: async () => 'exists' as const };
    await expect(readPseudonymKey(lagging, 'name', systemRandom)).rejects.toMatchObject({
      code: 'vault-unavailable',
      disposition: 'retry',
    });
  });
});

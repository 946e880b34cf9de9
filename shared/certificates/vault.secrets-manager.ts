import { createHash } from 'node:crypto';
import { Failure } from '../runtime/errors.ts';
import type { SecretStore } from '../runtime/secrets.ts';
import { storageName } from './certificate.ts';
import type { KeyPair, KeyVault, StagedKey } from './vault.ts';

/**
 * One secret per certificate under `<prefix>/certificates/`. A generation's key is the version whose id is
 * derived from the generation, so Secrets Manager itself refuses a second one; the promoted pair is another
 * version, put with AWSCURRENT in the same call, which moves the pair before to AWSPREVIOUS.
 */
export function createSecretsManagerKeyVault(secrets: SecretStore, prefix: string): KeyVault {
  const secretOf = (name: string) => `${prefix}/certificates/${storageName(name)}`;

  async function readStagedKey({ name, generation }: { name: string; generation: number }) {
    const value = await secrets.read(secretOf(name), { id: versionId('key', name, generation) });
    return value as StagedKey | undefined;
  }

  return {
    readStagedKey,
    async stageKey({ name, generation }, key) {
      const put = {
        name: secretOf(name),
        versionId: versionId('key', name, generation),
        value: { privateKeyPem: key.privateKeyPem, csrPem: key.csrPem },
        stages: ['AWSPENDING'],
      };
      let result = await secrets.put(put);
      if (result === 'missing') {
        // A first version is always AWSCURRENT; an empty one keeps that stage from ever naming half a pair.
        await secrets.create({ name: put.name, versionId: versionId('empty', name, 0), value: {} });
        result = await secrets.put(put);
      }
      if (result === 'stored') return key;
      const staged = await readStagedKey({ name, generation });
      if (staged) return staged;
      throw unexpected(put.name, 'the staged key cannot be read back yet');
    },
    async promote(name, pair) {
      const { generation, privateKeyPem, fullchainPem, directoryUrl } = pair;
      const current = (await secrets.read(secretOf(name))) as Partial<KeyPair> | undefined;
      if ((current?.generation ?? 0) >= generation) return;
      const result = await secrets.put({
        name: secretOf(name),
        versionId: versionId('pair', name, generation),
        value: { generation, privateKeyPem, fullchainPem, ...(directoryUrl && { directoryUrl }) },
        stages: ['AWSCURRENT'],
      });
      if (result !== 'stored') throw unexpected(secretOf(name), `storing the pair ended in "${result}"`);
    },
    readCurrent: async (name) => asPair(await secrets.read(secretOf(name))),
    readPrevious: async (name) => asPair(await secrets.read(secretOf(name), { stage: 'AWSPREVIOUS' })),
  };
}

const unexpected = (secret: string, what: string) =>
  new Failure({ code: 'vault-unavailable', disposition: 'retry', message: `secret ${secret}: ${what}` });

const versionId = (kind: 'empty' | 'key' | 'pair', name: string, generation: number): string =>
  createHash('sha256').update(`${kind}\n${name}\n${generation}`).digest('hex');

const asPair = (value: unknown): KeyPair | undefined =>
  (value as Partial<KeyPair> | undefined)?.generation ? (value as KeyPair) : undefined;

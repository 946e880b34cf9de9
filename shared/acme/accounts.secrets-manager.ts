import { createHash, randomUUID } from 'node:crypto';
import { Failure } from '../runtime/errors.ts';
import type { SecretStore } from '../runtime/secrets.ts';
import type { AccountStore, AcmeAccount } from './account.ts';
import type { ExternalAccount } from './connection.ts';

/** Accounts under `<prefix>/acme-accounts/`, external account credentials under `<prefix>/external-accounts/`. */
export function createSecretsManagerAccountStore(secrets: SecretStore, prefix: string): AccountStore {
  const secretOf = (directoryUrl: string) => `${prefix}/acme-accounts/${directoryName(directoryUrl)}`;
  const read = async (directoryUrl: string) =>
    (await secrets.read(secretOf(directoryUrl))) as AcmeAccount | undefined;
  return {
    read,
    async create(directoryUrl, account) {
      const secret = { name: secretOf(directoryUrl), versionId: versionId(account), value: account };
      if ((await secrets.create(secret)) === 'created') return account;
      const first = await read(directoryUrl);
      if (first) return first;
      // Going on with the key at hand would register a second account and overwrite the first.
      throw new Failure({
        code: 'vault-unavailable',
        disposition: 'retry',
        message: `secret ${secret.name} exists and cannot be read back yet`,
      });
    },
    async saveUrl(directoryUrl, account) {
      // A version id of its own: an account may return to a value it had before.
      const secret = { name: secretOf(directoryUrl), versionId: randomUUID(), value: account };
      await secrets.put({ ...secret, stages: ['AWSCURRENT'] });
    },
    readExternalAccount: async (directoryUrl) =>
      (await secrets.read(`${prefix}/external-accounts/${directoryName(directoryUrl)}`)) as
        | ExternalAccount
        | undefined,
  };
}

/** Host, port and path in the characters a secret's name may hold. */
const directoryName = (directoryUrl: string): string => {
  const { host, pathname } = new URL(directoryUrl);
  return `${host}${pathname}`.replace(/[^A-Za-z0-9/_+=.@-]/g, '_').replace(/\/+$/, '');
};

const versionId = (account: AcmeAccount): string =>
  createHash('sha256')
    .update(`${account.accountUrl ?? ''}\n${account.privateKeyPem}`)
    .digest('hex');

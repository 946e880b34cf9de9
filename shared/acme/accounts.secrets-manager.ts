import { createHash, randomUUID } from 'node:crypto';
import { Failure } from '../runtime/errors.ts';
import type { SecretStore } from '../runtime/secrets.ts';
import type { AccountStore, AcmeAccount } from './account-store.ts';
import type { ExternalAccount } from './external-account.ts';

/** Accounts under `<prefix>/acme-accounts/`, external account credentials under `<prefix>/external-accounts/`. */
export function createSecretsManagerAccountStore(secrets: SecretStore, prefix: string): AccountStore {
  const secretOf = (directoryUrl: string) => `${prefix}/acme-accounts/${directoryName(directoryUrl)}`;
  const read = async (directoryUrl: string) =>
    (await secrets.read(secretOf(directoryUrl))) as AcmeAccount | undefined;
  const replace = (directoryUrl: string, versionId: string, account: AcmeAccount) =>
    secrets.put({ name: secretOf(directoryUrl), versionId, value: account, stages: ['AWSCURRENT'] });
  return {
    read,
    async create(directoryUrl, account) {
      const name = secretOf(directoryUrl);
      const secret = { name, versionId: digest('account', account), value: account };
      if ((await secrets.create(secret)) === 'created') return account;
      const first = await read(directoryUrl);
      if (first) return first;
      // Going on with the key at hand would register a second account and overwrite the first.
      throw notReadable(name);
    },
    async save(directoryUrl, account) {
      // A version id of its own: an account may return to a value it had before.
      await replace(directoryUrl, randomUUID(), account);
    },
    async offerKey(directoryUrl, account, newKey) {
      const offered = { ...account, pendingKey: newKey };
      // One version id for every key this account could change to next: the first to come fills it.
      const versionId = digest('key change', { ...account, pendingKey: undefined });
      const outcome = await replace(directoryUrl, versionId, offered);
      const stored = (await read(directoryUrl)) ?? offered;
      // Ours is the one that counts, whatever a read this soon may show.
      return outcome === 'stored' && !stored.pendingKey ? offered : stored;
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

const digest = (purpose: string, account: AcmeAccount): string =>
  createHash('sha256')
    .update(
      [purpose, account.accountUrl, account.privateKeyPem, account.kmsKeyId, account.refusedKeys].join('\n'),
    )
    .digest('hex');

const notReadable = (name: string) =>
  new Failure({
    code: 'vault-unavailable',
    disposition: 'retry',
    message: `secret ${name} exists and cannot be read back yet`,
  });

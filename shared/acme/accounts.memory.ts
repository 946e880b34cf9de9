import type { AccountStore, AcmeAccount } from './account-store.ts';
import type { ExternalAccount } from './external-account.ts';

/** The contract of AccountStore in one process's memory. */
export function createMemoryAccountStore(
  externalAccounts: Readonly<Record<string, ExternalAccount>> = {},
): AccountStore {
  const accounts = new Map<string, AcmeAccount>();
  return {
    read: async (directoryUrl) => accounts.get(directoryUrl),
    async create(directoryUrl, account) {
      const kept = accounts.get(directoryUrl) ?? account;
      accounts.set(directoryUrl, kept);
      return kept;
    },
    async save(directoryUrl, account) {
      accounts.set(directoryUrl, account);
    },
    async offerKey(directoryUrl, account, newKey) {
      const stored = accounts.get(directoryUrl) ?? account;
      const unchanged =
        stored.privateKeyPem === account.privateKeyPem && stored.kmsKeyId === account.kmsKeyId;
      const kept = stored.pendingKey || !unchanged ? stored : { ...account, pendingKey: newKey };
      accounts.set(directoryUrl, kept);
      return kept;
    },
    readExternalAccount: async (directoryUrl) => externalAccounts[directoryUrl],
  };
}

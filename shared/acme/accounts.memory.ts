import type { AccountStore, AcmeAccount } from './account.ts';
import type { ExternalAccount } from './connection.ts';

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
    async saveUrl(directoryUrl, account) {
      accounts.set(directoryUrl, account);
    },
    readExternalAccount: async (directoryUrl) => externalAccounts[directoryUrl],
  };
}

import { beforeEach, describe, expect, it } from 'vitest';
import type { AccountStore } from '../../shared/acme/account.ts';

const url = 'https://127.0.0.1:14000/dir';

export function describeAccountStoreContract(adapter: string, make: () => Promise<AccountStore>) {
  describe(`an account store (${adapter})`, () => {
    let accounts: AccountStore;
    beforeEach(async () => {
      accounts = await make();
    });

    it('keeps the first key offered for a directory', async () => {
      expect(await accounts.read(url)).toBeUndefined();
      const offered = ['a', 'b', 'c'].map((privateKeyPem) => accounts.create(url, { privateKeyPem }));
      const keys = new Set((await Promise.all(offered)).map(({ privateKeyPem }) => privateKeyPem));
      expect(keys.size).toBe(1);
      expect(keys).toContain((await accounts.read(url))?.privateKeyPem);
    });

    it('adds the account URL to the key', async () => {
      const account = { ...(await accounts.create(url, { privateKeyPem: 'a' })), accountUrl: `${url}/1` };
      await accounts.saveUrl(url, account);
      await accounts.saveUrl(url, account);
      expect(await accounts.read(url)).toEqual(account);
    });

    it('keeps the accounts of two directories apart', async () => {
      await accounts.create(url, { privateKeyPem: 'a' });
      expect(await accounts.read('https://127.0.0.1:14001/dir')).toBeUndefined();
      expect(await accounts.readExternalAccount(url)).toBeUndefined();
    });
  });
}

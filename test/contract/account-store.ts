import { beforeEach, describe, expect, it } from 'vitest';
import type { AccountStore } from '../../shared/acme/account-store.ts';

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
      await accounts.save(url, account);
      await accounts.save(url, account);
      expect(await accounts.read(url)).toEqual(account);
    });

    it('keeps an account whose key is in KMS', async () => {
      const account = await accounts.create(url, { kmsKeyId: 'alias/acme' });
      await accounts.save(url, { ...account, accountUrl: `${url}/1` });
      expect(await accounts.read(url)).toEqual({ kmsKeyId: 'alias/acme', accountUrl: `${url}/1` });
    });

    it('keeps the first new key offered to an account, so that none is lost', async () => {
      const account = { ...(await accounts.create(url, { privateKeyPem: 'a' })), accountUrl: `${url}/1` };
      await accounts.save(url, account);
      const offers = ['b', 'c', 'd'].map((privateKeyPem) =>
        accounts.offerKey(url, account, { privateKeyPem }),
      );
      const offered = new Set((await Promise.all(offers)).map(({ pendingKey }) => pendingKey?.privateKeyPem));
      expect(offered.size).toBe(1);
      const stored = await accounts.read(url);
      expect(stored).toMatchObject(account);
      expect(offered).toContain(stored?.pendingKey?.privateKeyPem);
    });

    it('takes a new offer after the CA refused one, and none for a key that is no longer the account’s', async () => {
      const account = { ...(await accounts.create(url, { privateKeyPem: 'a' })), accountUrl: `${url}/1` };
      await accounts.save(url, account);
      await accounts.offerKey(url, account, { privateKeyPem: 'b' });
      const refused = { ...account, refusedKeys: 1 };
      await accounts.save(url, refused);
      const second = await accounts.offerKey(url, refused, { privateKeyPem: 'c' });
      expect(second.pendingKey).toEqual({ privateKeyPem: 'c' });

      const changed = { privateKeyPem: 'c', accountUrl: `${url}/1` };
      await accounts.save(url, changed);
      const late = await accounts.offerKey(url, refused, { privateKeyPem: 'd' });
      expect(late.pendingKey).toBeUndefined();
      expect(await accounts.read(url)).toEqual(changed);
    });

    it('keeps the accounts of two directories apart', async () => {
      await accounts.create(url, { privateKeyPem: 'a' });
      expect(await accounts.read('https://127.0.0.1:14001/dir')).toBeUndefined();
      expect(await accounts.readExternalAccount(url)).toBeUndefined();
    });
  });
}

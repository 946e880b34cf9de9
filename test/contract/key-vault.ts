import { beforeEach, describe, expect, it } from 'vitest';
import type { KeyPair, KeyVault } from '../../shared/certificates/vault.ts';

const name = '*.example.com';
const key = (text: string) => ({ privateKeyPem: `key ${text}`, csrPem: `csr ${text}` });
const pair = (generation: number): KeyPair => ({
  generation,
  privateKeyPem: `key ${generation}`,
  fullchainPem: `chain ${generation}`,
});

export function describeKeyVaultContract(adapter: string, make: () => Promise<KeyVault>) {
  describe(`a key vault (${adapter})`, () => {
    let vault: KeyVault;
    beforeEach(async () => {
      vault = await make();
    });

    it('is empty for a certificate it never saw', async () => {
      expect(await vault.readStagedKey({ name, generation: 1 })).toBeUndefined();
      expect(await vault.readCurrent(name)).toBeUndefined();
      expect(await vault.readPrevious(name)).toBeUndefined();
    });

    it('keeps the first key staged for a generation and answers it to whoever comes later', async () => {
      expect(await vault.stageKey({ name, generation: 1 }, key('first'))).toEqual(key('first'));
      expect(await vault.stageKey({ name, generation: 1 }, key('second'))).toEqual(key('first'));
      expect(await vault.readStagedKey({ name, generation: 1 })).toEqual(key('first'));
    });

    it('gives workers that stage at the same time one key', async () => {
      const staged = await Promise.all(
        ['a', 'b', 'c', 'd'].map((worker) => vault.stageKey({ name, generation: 1 }, key(worker))),
      );
      expect(new Set(staged.map(({ privateKeyPem }) => privateKeyPem)).size).toBe(1);
    });

    it('shows no staged key as current', async () => {
      await vault.stageKey({ name, generation: 1 }, key('one'));
      expect(await vault.readCurrent(name)).toBeUndefined();
      await vault.promote(name, pair(1));
      await vault.stageKey({ name, generation: 2 }, key('two'));
      expect(await vault.readCurrent(name)).toEqual(pair(1));
    });

    it('promotes key and chain together and keeps the pair before', async () => {
      for (const generation of [1, 2]) {
        await vault.stageKey({ name, generation }, key(String(generation)));
        await vault.promote(name, pair(generation));
      }
      expect(await vault.readCurrent(name)).toEqual(pair(2));
      expect(await vault.readPrevious(name)).toEqual(pair(1));
    });

    it('changes nothing when a promotion is repeated or comes late', async () => {
      for (const generation of [1, 2]) {
        await vault.stageKey({ name, generation }, key(String(generation)));
        await vault.promote(name, pair(generation));
      }
      await vault.promote(name, pair(2));
      await vault.promote(name, pair(1));
      expect(await vault.readCurrent(name)).toEqual(pair(2));
      expect(await vault.readPrevious(name)).toEqual(pair(1));
    });
  });
}

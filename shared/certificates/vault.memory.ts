import type { KeyPair, KeyVault, StagedKey } from './vault.ts';

/** The contract of KeyVault in one process's memory. */
export function createMemoryKeyVault(): KeyVault {
  const staged = new Map<string, StagedKey>();
  const pairs = new Map<string, { current: KeyPair; previous?: KeyPair | undefined }>();
  const stagedId = ({ name, generation }: { name: string; generation: number }) => `${name}#${generation}`;
  return {
    async stageKey(id, key) {
      const existing = staged.get(stagedId(id));
      if (existing) return existing;
      staged.set(stagedId(id), key);
      return key;
    },
    readStagedKey: async (id) => staged.get(stagedId(id)),
    async promote(name, pair) {
      const before = pairs.get(name)?.current;
      if (before && before.generation >= pair.generation) return;
      pairs.set(name, { current: pair, previous: before });
    },
    readCurrent: async (name) => pairs.get(name)?.current,
    readPrevious: async (name) => pairs.get(name)?.previous,
  };
}

import { describe, expect, it } from 'vitest';
import type { KeptDataKey, KeyShelf } from '../../shared/etl/keys/key-shelf.ts';

export const aKeptKey = (overrides: Partial<KeptDataKey> = {}): KeptDataKey => ({
  keyId: 'AAECAwQFBgcICQoLDA0ODw',
  wrapped: Buffer.from('wrapped').toString('base64'),
  master: 'cells',
  purpose: { pipeline: 'orders', table: 'orders', runId: 'run-1' },
  ...overrides,
});

/** What every shelf promises; `make` answers an empty one. */
export function describeKeyShelfContract(name: string, make: () => Promise<KeyShelf>): void {
  const { purpose } = aKeptKey();
  const refOf = ({ keyId, purpose: { pipeline } }: KeptDataKey) => ({ pipeline, keyId });

  describe(`key shelf: ${name}`, () => {
    it('knows nothing at first', async () => {
      const shelf = await make();
      expect(await shelf.keyOfRun(purpose)).toBeUndefined();
      expect(await shelf.find(refOf(aKeptKey()))).toBeUndefined();
    });

    it('keeps the first key of a run and table, whole, under its name and under theirs', async () => {
      const shelf = await make();
      const key = aKeptKey({ master: 'quarantine' });
      expect(await shelf.offer(key)).toEqual(key);
      expect(await shelf.keyOfRun(purpose)).toEqual(key);
      expect(await shelf.find(refOf(key))).toEqual(key);
    });

    it('answers the first to whoever comes later, and to the first once more', async () => {
      const shelf = await make();
      const [first, second] = [aKeptKey({ keyId: 'first' }), aKeptKey({ keyId: 'second' })];
      await shelf.offer(first);
      expect(await shelf.offer(second)).toEqual(first);
      expect(await shelf.offer(first)).toEqual(first);
      expect(await shelf.keyOfRun(purpose)).toEqual(first);
    });

    it('lets one of many win, and tells all the same', async () => {
      const shelf = await make();
      const offered = Array.from({ length: 12 }, (_, index) => aKeptKey({ keyId: `key-${index}` }));
      const answers = await Promise.all(offered.map((key) => shelf.offer(key)));
      const counts = await shelf.keyOfRun(purpose);
      expect(offered).toContainEqual(counts);
      expect(answers).toEqual(offered.map(() => counts));
    });

    it.each(['pipeline', 'table', 'runId'] as const)('keeps another key for another %s', async (part) => {
      const shelf = await make();
      await shelf.offer(aKeptKey());
      const other = aKeptKey({ keyId: 'other', purpose: { ...purpose, [part]: 'other' } });
      expect(await shelf.keyOfRun(other.purpose)).toBeUndefined();
      expect(await shelf.offer(other)).toEqual(other);
      expect(await shelf.keyOfRun(purpose)).toEqual(aKeptKey());
    });

    it('finds a key in its own pipeline alone', async () => {
      const shelf = await make();
      await shelf.offer(aKeptKey());
      expect(await shelf.find({ ...refOf(aKeptKey()), pipeline: 'refunds' })).toBeUndefined();
    });

    it('erases a key for good: its run has no other, and none can be offered', async () => {
      const shelf = await make();
      await shelf.offer(aKeptKey());
      await shelf.erase(refOf(aKeptKey()));
      await shelf.erase(refOf(aKeptKey()));
      expect(await shelf.find(refOf(aKeptKey()))).toBeUndefined();
      expect(await shelf.keyOfRun(purpose)).toBe('erased');
      expect(await shelf.offer(aKeptKey({ keyId: 'later' }))).toBe('erased');
    });
  });
}

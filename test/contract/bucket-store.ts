import { beforeAll, describe, expect, it } from 'vitest';
import type { Bucket } from '../../shared/limits/bucket.ts';
import { type BucketItems, createBucketStore } from '../../shared/limits/bucket-store.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const noon = new Date('2026-11-21T12:00:00.123Z');
const millisLater = (millis: number) => new Date(noon.getTime() + millis);

const aBucket = (changes: Partial<Bucket> = {}): Bucket => ({ tat: noon, spends: [], holds: {}, ...changes });

export function describeBucketStoreContract(name: string, make: () => Promise<BucketItems>): void {
  describe(`BucketStore: ${name}`, () => {
    let items: BucketItems;
    beforeAll(async () => {
      items = await make();
    });
    const store = () => createBucketStore(items, { clock: createFakeClock(noon), random: () => 0.5 });
    const keep = (key: string, state: Bucket) => store().update(key, () => ({ state, result: undefined }));

    it('answers only the buckets that exist, and each of them once', async () => {
      await keep('known', aBucket());
      const found = await store().read(['unknown', 'known', 'known']);
      expect([...found.keys()]).toEqual(['known']);
    });

    it('returns a bucket as it was kept, to the millisecond', async () => {
      const state = aBucket({
        tat: millisLater(1),
        spends: [{ holder: 'a', at: millisLater(2) }],
        holds: { b: millisLater(3), c: millisLater(86_400_000) },
      });
      await keep('whole', state);
      expect((await store().read(['whole'])).get('whole')).toEqual(state);
      await keep('bare', { spends: [], holds: {} });
      expect((await store().read(['bare'])).get('bare')).toEqual({ tat: undefined, spends: [], holds: {} });
    });

    it('reads more buckets than one request takes', async () => {
      const keys = Array.from({ length: 230 }, (_, index) => `many/${index}`);
      await Promise.all(keys.map((key) => keep(key, aBucket())));
      expect((await store().read(keys)).size).toBe(230);
    });

    it('hands a change what is there and answers its result; without a state nothing is written', async () => {
      expect(await store().update('new', (state) => ({ result: state }))).toBeUndefined();
      expect((await store().read(['new'])).size).toBe(0);
      await keep('new', aBucket({ tat: millisLater(5) }));
      expect(await store().update('new', (state) => ({ result: state?.tat }))).toEqual(millisLater(5));
    });

    it('refuses a bucket that somebody else has changed, made or removed in between', async () => {
      expect(await items.put('versioned', aBucket(), undefined)).toBe(true);
      expect(await items.put('versioned', aBucket(), undefined)).toBe(false);
      const read = (await items.get(['versioned'])).get('versioned');
      expect(await items.put('versioned', aBucket({ tat: millisLater(1) }), read?.version)).toBe(true);
      expect(await items.put('versioned', aBucket({ tat: millisLater(2) }), read?.version)).toBe(false);
      expect(await items.put('never made', aBucket(), 7)).toBe(false);
    });

    it('loses no change of many workers at once', async () => {
      const workers = Array.from({ length: 4 }, () => store());
      await Promise.all(
        workers.map(async (worker, id) => {
          for (let round = 0; round < 3; round++)
            await worker.update('busy', (state = aBucket()) => ({
              state: { ...state, holds: { ...state.holds, [`${id}-${round}`]: millisLater(60_000) } },
              result: undefined,
            }));
        }),
      );
      const kept = (await store().read(['busy'])).get('busy');
      expect(Object.keys(kept?.holds ?? {})).toHaveLength(12);
    });

    it('advances the arrival time of any number at once, and only where it is wanted', async () => {
      const advance = { stepMillis: 10, from: noon, to: millisLater(295) };
      expect(await store().advance('advanced', advance)).toBeUndefined();
      await keep('advanced', aBucket({ holds: { kept: millisLater(1) } }));
      const answers = await Promise.all(
        Array.from({ length: 40 }, () => store().advance('advanced', advance)),
      );
      const reached = answers.flatMap((instant) => instant ?? []).map((instant) => instant.getTime());
      expect(reached.sort((a, b) => a - b)).toEqual(
        Array.from({ length: 30 }, (_, index) => noon.getTime() + 10 * (index + 1)),
      );
      expect(await store().advance('advanced', { ...advance, from: millisLater(301) })).toBeUndefined();
      expect((await store().read(['advanced'])).get('advanced')).toEqual(
        aBucket({ tat: millisLater(300), holds: { kept: millisLater(1) } }),
      );
    });

    it('lets an advance spoil a swap that was read before it', async () => {
      await keep('both', aBucket());
      const read = (await items.get(['both'])).get('both');
      await store().advance('both', { stepMillis: 10, from: noon, to: noon });
      expect(await items.put('both', aBucket(), read?.version)).toBe(false);
    });
  });
}

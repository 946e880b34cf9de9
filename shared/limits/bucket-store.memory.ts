import type { BucketItems, VersionedBucket } from './bucket-store.ts';

/** Buckets in this process alone. */
export function createMemoryBucketItems(): BucketItems {
  const buckets = new Map<string, VersionedBucket>();
  return {
    async get(keys) {
      return new Map(
        keys.flatMap((key) => {
          const found = buckets.get(key);
          return found ? [[key, found] as const] : [];
        }),
      );
    },
    async put(key, bucket, version) {
      if (buckets.get(key)?.version !== version) return false;
      buckets.set(key, { bucket, version: (version ?? 0) + 1 });
      return true;
    },
    async advance(key, { stepMillis, from, to }) {
      const found = buckets.get(key);
      const tat = found?.bucket.tat;
      if (!tat || tat < from || tat > to) return undefined;
      const advanced = new Date(tat.getTime() + stepMillis);
      buckets.set(key, { bucket: { ...found.bucket, tat: advanced }, version: found.version + 1 });
      return advanced;
    },
  };
}

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../shared/runtime/clock.ts';
import { readIfPresent, writeWhole } from '../../ca/durable-file.ts';
import type { BucketPlan } from '../stack-plan.ts';
import { Bucket } from './bucket.ts';
import { S3Error } from './s3-error.ts';
import { createMemoryShelf, openVersionShelf } from './version-shelf.ts';

/** All buckets by name. */
export interface Buckets {
  /** @throws S3Error `NoSuchBucket` */
  find(name: string): Bucket;
  /** @throws S3Error `BucketAlreadyOwnedByYou`, `InvalidBucketName` */
  create(settings: BucketPlan): void;
  /** Creates a bucket or gives the one that is there these settings, as a deployment does. */
  ensure(settings: BucketPlan): void;
}

/** A bucket's name is a directory's, too. */
const nameForm = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const settingsFile = 'bucket.json';

/** Buckets in memory, and in `directory` when given, a directory each. */
export function openBuckets({ directory, clock }: { directory?: string | undefined; clock: Clock }): Buckets {
  const buckets = new Map<string, Bucket>();
  const open = (settings: BucketPlan) => {
    const shelf = directory ? openVersionShelf(join(directory, settings.name)) : createMemoryShelf();
    buckets.set(settings.name, new Bucket(settings, { shelf, clock }));
  };
  for (const name of directory ? subdirectories(directory) : []) {
    const settings = readIfPresent(join(directory ?? '', name, settingsFile));
    if (settings !== undefined) open(JSON.parse(settings));
  }
  function ensure(settings: BucketPlan): void {
    if (!nameForm.test(settings.name)) {
      throw new S3Error(400, 'InvalidBucketName', 'The specified bucket is not valid.');
    }
    const existing = buckets.get(settings.name);
    if (existing) existing.settings = settings;
    else open(settings);
    if (directory) writeWhole(join(directory, settings.name, settingsFile), JSON.stringify(settings));
  }
  return {
    ensure,
    find(name) {
      const bucket = buckets.get(name);
      if (!bucket) throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist');
      return bucket;
    },
    create(settings) {
      if (buckets.has(settings.name)) {
        const message = 'Your previous request to create the named bucket succeeded and you already own it.';
        throw new S3Error(409, 'BucketAlreadyOwnedByYou', message);
      }
      ensure(settings);
    },
  };
}

function subdirectories(directory: string): string[] {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

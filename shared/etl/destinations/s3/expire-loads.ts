import { mapBounded } from '../../../runtime/concurrency.ts';
import type { ObjectStore, ObjectVersion } from '../../objects/object-store.ts';
import { loadOfKey, loadPrefix, manifestKey, manifestPrefix } from './stored-part.ts';

const deletionsAtOnce = 16;

interface Expiry {
  readonly before: Date;
  readonly signal: AbortSignal;
}

/**
 * Erases the loads of a table whose newest version, of parts and list alike, was written before an instant: first the
 * list, so that no reader is sent to what is gone, then the parts. Answers how many versions it erased. Objects that no
 * load has written stay. May be repeated.
 * @throws Failure those of the store
 */
export async function expireLoads(objects: ObjectStore, directory: string, expiry: Expiry): Promise<number> {
  let erased = 0;
  for await (const { loadId, versions } of loadsUnder(objects, `${directory}/load=`, directory)) {
    expiry.signal.throwIfAborted();
    const list = await Array.fromAsync(objects.listVersions(manifestKey(directory, loadId)));
    if (isOld([...versions, ...list], expiry))
      erased += (await eraseAll(objects, list, expiry)) + (await eraseAll(objects, versions, expiry));
  }
  // Then the lists of loads that had no rows.
  for await (const { loadId, versions } of loadsUnder(objects, manifestPrefix(directory), directory)) {
    expiry.signal.throwIfAborted();
    if (!isOld(versions, expiry) || (await hasParts(objects, loadPrefix(directory, loadId)))) continue;
    erased += await eraseAll(objects, versions, expiry);
  }
  return erased;
}

interface LoadVersions {
  readonly loadId: string;
  readonly versions: readonly ObjectVersion[];
}

/** What stands under a prefix, load by load, as the store lists it by key; one load at a time is in memory. */
async function* loadsUnder(
  objects: ObjectStore,
  prefix: string,
  directory: string,
): AsyncGenerator<LoadVersions> {
  let load: { loadId: string; versions: ObjectVersion[] } | undefined;
  for await (const version of objects.listVersions(prefix)) {
    const loadId = loadOfKey(directory, version.key);
    if (loadId === undefined) continue;
    if (load && load.loadId !== loadId) {
      yield load;
      load = undefined;
    }
    load ??= { loadId, versions: [] };
    load.versions.push(version);
  }
  if (load) yield load;
}

const isOld = (versions: readonly ObjectVersion[], { before }: Expiry): boolean =>
  versions.every(({ lastModifiedAt }) => lastModifiedAt < before);

async function hasParts(objects: ObjectStore, prefix: string): Promise<boolean> {
  for await (const _ of objects.listVersions(prefix)) return true;
  return false;
}

async function eraseAll(
  objects: ObjectStore,
  versions: readonly ObjectVersion[],
  { signal }: Expiry,
): Promise<number> {
  await mapBounded(versions, deletionsAtOnce, async ({ key, versionId }) => {
    signal.throwIfAborted();
    await objects.deleteVersion(key, versionId);
  });
  return versions.length;
}

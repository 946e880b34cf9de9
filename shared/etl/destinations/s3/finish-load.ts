import type { Clock } from '../../../runtime/clock.ts';
import { mapBounded } from '../../../runtime/concurrency.ts';
import type { ObjectStore } from '../../objects/object-store.ts';
import type { FinishedLoad } from '../destination.ts';
import { superseded } from '../load-precedence.ts';
import { type LoadedFile, writeLoadManifest } from './load-manifest.ts';
import { loadPrefix, manifestKey, readStoredPart, type StoredPart } from './stored-part.ts';

const requestsAtOnce = 16;

/** A version that stands under a load, and what its metadata says if it is the latest of its key. */
interface StandingVersion {
  readonly key: string;
  readonly versionId: string;
  readonly sizeBytes: number;
  readonly stored: StoredPart | undefined;
}

/**
 * Names the load's objects in `_loads/<loadId>.json`, version by version, then erases every other version under the
 * load: parts of earlier runs, replaced versions, delete markers. In this order, so that a reader of the list finds
 * everything it names until a newer list stands there, and so that what a late worker of an earlier run wrote before
 * there was a list is found. May be repeated.
 * @throws Failure `load-superseded`, `target-busy`, and those of the store
 */
export async function finishLoad(
  objects: ObjectStore,
  directory: string,
  { load, clock }: { load: FinishedLoad; clock: Clock },
): Promise<void> {
  const prefix = loadPrefix(directory, load.loadId);
  const chunkIds = new Set(load.chunkIds);
  const files = (await listLoad(objects, prefix, load)).flatMap(({ stored, ...version }): LoadedFile[] =>
    stored?.runId === load.runId && chunkIds.has(stored.chunkId) ? [{ ...version, stored }] : [],
  );
  await writeLoadManifest(objects, manifestKey(directory, load.loadId), { load, files, clock });

  const kept = new Set(files.map(({ versionId, key }) => `${versionId} ${key}`));
  const left = await listLoad(objects, prefix, load);
  const stale = left.filter(({ versionId, key }) => !kept.has(`${versionId} ${key}`));
  await mapBounded(stale, requestsAtOnce, async ({ key, versionId }) => {
    load.signal.throwIfAborted();
    await objects.deleteVersion(key, versionId);
  });
}

/** The run that has finished the load, if it is a newer one. */
export async function findNewerRun(
  objects: ObjectStore,
  directory: string,
  { loadId, runId }: { readonly loadId: string; readonly runId: string },
): Promise<string | undefined> {
  const manifest = await objects.head(manifestKey(directory, loadId));
  const finishedBy = manifest?.metadata['run-id'];
  return finishedBy !== undefined && finishedBy > runId ? finishedBy : undefined;
}

/** @throws Failure `load-superseded` where a newer run has written, or while somebody writes */
async function listLoad(
  objects: ObjectStore,
  prefix: string,
  load: FinishedLoad,
): Promise<readonly StandingVersion[]> {
  const listed: { key: string; versionId: string; sizeBytes: number; isLive: boolean }[] = [];
  for await (const { key, versionId, sizeBytes, latest, deleted } of objects.listVersions(prefix)) {
    load.signal.throwIfAborted();
    listed.push({ key, versionId, sizeBytes, isLive: latest && !deleted });
  }
  return mapBounded(listed, requestsAtOnce, async ({ key, versionId, sizeBytes, isLive }) => {
    load.signal.throwIfAborted();
    const held = isLive ? await objects.head(key) : undefined;
    const stored = held && readStoredPart(held.metadata);
    const isReplaced = held !== undefined && held.versionId !== versionId;
    if (isReplaced || (stored && stored.runId > load.runId)) throw superseded(load);
    return { key, versionId, sizeBytes, stored };
  });
}

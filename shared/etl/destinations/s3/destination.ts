import type { Clock } from '../../../runtime/clock.ts';
import type { PipelineDestination } from '../../definition/destination-schema.ts';
import type { ObjectStore } from '../../objects/object-store.ts';
import type { Destination, LoadFigures, LoadRequest, StagedPart } from '../destination.ts';
import { encodeNdjson } from '../files/ndjson-file.ts';
import { encodeParquet } from '../files/parquet-file.ts';
import { superseded } from '../load-precedence.ts';
import { standingOf } from '../standing.ts';
import { expireLoads } from './expire-loads.ts';
import { findNewerRun, finishLoad } from './finish-load.ts';
import { placePart } from './place-part.ts';
import { chunkPrefix, partKey, readStoredPart } from './stored-part.ts';

export type S3Definition = Extract<PipelineDestination, { readonly type: 's3' }>;

const contentTypes = {
  ndjson: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
} as const;

/**
 * A table as objects of a versioned bucket: `<prefix><table>/load=<loadId>/part-<chunk>-<part>.<format>`, one per
 * staged part, and `_loads/<loadId>.json` which names the versions that make up a finished load. An object says in
 * its metadata who wrote it and how its rows were counted, and is written by compare-and-swap: see placePart. One part is
 * in memory at a time.
 */
export function createS3Destination({
  definition,
  objects,
  clock,
}: {
  readonly definition: S3Definition;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}): Destination {
  const directory = `${definition.prefix}${definition.table}`;
  return {
    name: `s3 ${definition.bucket ?? 'analytics'}/${directory}`,
    async load(request) {
      const { chunk } = request;
      if (await findNewerRun(objects, directory, chunk)) throw superseded(chunk);
      const parts = request.parts.filter(({ rows }) => rows > 0);
      const figures: LoadFigures[] = [];
      for (const part of parts) {
        figures.push(await loadPart(objects, { request, part, directory, definition }));
      }
      await keepOnly(new Set(parts.map(({ index }) => index)), { objects, directory, request });
      // A newer run may have been finished meanwhile. Its finish looks for leftovers after it has written its list,
      // so whoever finds no list here has written early enough to be found there.
      if (await findNewerRun(objects, directory, chunk)) {
        await keepOnly(new Set(), { objects, directory, request });
        throw superseded(chunk);
      }
      return addFigures(figures);
    },
    finish: (load) => finishLoad(objects, directory, { load, clock }),
    expire: (before, signal) => expireLoads(objects, directory, { before, signal }),
    close: () => Promise.resolve(),
  };
}

interface PartOfLoad {
  readonly request: LoadRequest;
  readonly part: StagedPart;
  readonly directory: string;
  readonly definition: S3Definition;
}

function loadPart(objects: ObjectStore, { request, part, directory, definition }: PartOfLoad) {
  const { chunk, shape, signal } = request;
  const { format } = definition;
  return placePart(objects, {
    key: partKey(directory, chunk, { index: part.index, format }),
    contentType: contentTypes[format],
    loadId: chunk.loadId,
    runId: chunk.runId,
    fence: chunk.fence,
    chunkId: chunk.chunkId,
    rows: part.rows,
    digest: part.digest,
    signal,
    encode: () =>
      format === 'parquet'
        ? encodeParquet(part, shape, { signal, writer: chunk })
        : encodeNdjson(part, shape, { signal, nulls: 'written', writer: chunk }),
  });
}

/**
 * Erases what this run left of the chunk beyond the parts that are kept: a repetition may have fewer of them, none
 * at all for an empty chunk. What an earlier run left stays readable until the load is finished.
 */
async function keepOnly(
  kept: ReadonlySet<number>,
  { objects, directory, request }: { objects: ObjectStore; directory: string; request: LoadRequest },
): Promise<void> {
  const { chunk, signal } = request;
  const prefix = chunkPrefix(directory, chunk);
  for await (const { key, versionId, latest, deleted } of objects.listVersions(prefix)) {
    signal.throwIfAborted();
    if (!latest || deleted || kept.has(Number.parseInt(key.slice(prefix.length), 10))) continue;
    const held = await objects.head(key);
    const stored = held && readStoredPart(held.metadata);
    const standing = stored && standingOf(stored, chunk);
    if (standing === 'newer') throw superseded(chunk);
    if (standing === 'own' && held?.versionId === versionId) await objects.deleteVersion(key, versionId);
  }
}

const addFigures = (all: readonly LoadFigures[]): LoadFigures => ({
  inserted: all.reduce((sum, { inserted }) => sum + inserted, 0),
  updated: all.reduce((sum, { updated }) => sum + updated, 0),
  unchanged: all.reduce((sum, { unchanged }) => sum + unchanged, 0),
});

import { mapBounded } from '../../../runtime/concurrency.ts';
import type { ObjectStore } from '../../objects/object-store.ts';
import type { LoadChunk, LoadRequest } from '../destination.ts';
import { encodeNdjson } from '../files/ndjson-file.ts';
import { targetBusy } from '../target-failures.ts';
import { rowNumberColumn } from './dialect.ts';

export interface StagedFile {
  readonly key: string;
  readonly sizeBytes: number;
}

/** Where everything staged for a load stands; erased when it is finished. */
export const stagedLoadPrefix = (prefix: string, loadId: string): string => `${prefix}load=${loadId}/`;

/** Only one worker ever writes here. */
export const stagedChunkPrefix = (prefix: string, chunk: LoadChunk): string =>
  `${stagedLoadPrefix(prefix, chunk.loadId)}run=${chunk.runId}/${chunk.chunkId}/${chunk.fence}/`;

/**
 * Writes a chunk's parts as NDJSON for a warehouse to read: nulls left out, rows numbered through the chunk so that
 * the warehouse knows which of two rows came later. One part is in memory at a time.
 * @throws Failure those of the store and of the encoding, `target-busy`
 */
export async function stageFiles(
  objects: ObjectStore,
  prefix: string,
  { chunk, parts, shape, signal }: LoadRequest,
): Promise<readonly StagedFile[]> {
  const files: StagedFile[] = [];
  let from = 0;
  for (const part of parts) {
    if (part.rows === 0) continue;
    const rowNumbers = { name: rowNumberColumn, from };
    const body = await encodeNdjson(part, shape, { signal, nulls: 'left-out', rowNumbers });
    const key = `${stagedChunkPrefix(prefix, chunk)}part-${String(part.index).padStart(4, '0')}.ndjson`;
    await putFile(objects, key, body);
    files.push({ key, sizeBytes: body.length });
    from += part.rows;
  }
  return files;
}

/** Writes over what the same worker may have left before. */
export async function putFile(objects: ObjectStore, key: string, body: Uint8Array): Promise<void> {
  const upload = { key, body, contentType: 'application/json' };
  if (await objects.create(upload)) return;
  const held = await objects.head(key);
  if (!held || !(await objects.replace(upload, held.etag))) throw targetBusy(key);
}

/** Every version under the prefix, for good. */
export async function eraseFiles(objects: ObjectStore, prefix: string, signal: AbortSignal): Promise<void> {
  const versions: { key: string; versionId: string }[] = [];
  for await (const { key, versionId } of objects.listVersions(prefix)) versions.push({ key, versionId });
  await mapBounded(versions, 16, async ({ key, versionId }) => {
    signal.throwIfAborted();
    await objects.deleteVersion(key, versionId);
  });
}

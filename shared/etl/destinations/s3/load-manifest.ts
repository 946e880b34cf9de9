import { createHash } from 'node:crypto';
import type { Clock } from '../../../runtime/clock.ts';
import type { ObjectStore } from '../../objects/object-store.ts';
import type { FinishedLoad } from '../destination.ts';
import { superseded } from '../load-precedence.ts';
import { targetBusy } from '../target-failures.ts';
import type { StoredPart } from './stored-part.ts';

const mostAttempts = 8;

/** A version of an object that belongs to a load. */
export interface LoadedFile {
  readonly key: string;
  readonly versionId: string;
  readonly sizeBytes: number;
  readonly stored: StoredPart;
}

/** Which versions make up a load, for its readers: names, counts and digests. */
export function describeLoad({ pipeline, loadId, runId }: FinishedLoad, files: readonly LoadedFile[]) {
  const parts = files.map(({ key, versionId, sizeBytes, stored }) => {
    const { chunkId, rows, digest, figures } = stored;
    return { key, versionId, sizeBytes, chunkId, rows, digest, ...figures };
  });
  const sum = (count: 'rows' | 'inserted' | 'updated' | 'unchanged') =>
    parts.reduce((total, part) => total + part[count], 0);
  return {
    version: 1,
    pipeline,
    loadId,
    runId,
    rows: sum('rows'),
    inserted: sum('inserted'),
    updated: sum('updated'),
    unchanged: sum('unchanged'),
    files: parts,
  };
}

/**
 * Writes the list of a finished load by compare-and-swap: over an older run's, never over a newer one's; one that
 * says the same already stays as it is.
 * @throws Failure `load-superseded`, `target-busy`, and those of the store
 */
export async function writeLoadManifest(
  objects: ObjectStore,
  key: string,
  { load, files, clock }: { load: FinishedLoad; files: readonly LoadedFile[]; clock: Clock },
): Promise<void> {
  const content = describeLoad(load, files);
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    load.signal.throwIfAborted();
    const held = await objects.head(key);
    const writer = held?.metadata['run-id'];
    if (writer !== undefined && writer > load.runId) throw superseded(load);
    if (writer === load.runId && held?.metadata.digest === digest) return;
    const finished = { ...content, finishedAt: clock.now().toISOString() };
    const body = Buffer.from(`${JSON.stringify(finished, undefined, 2)}\n`, 'utf8');
    const metadata = { 'run-id': load.runId, digest };
    const upload = { key, body, contentType: 'application/json', metadata };
    const written = held ? await objects.replace(upload, held.etag) : await objects.create(upload);
    if (written) return;
  }
  throw targetBusy(key);
}

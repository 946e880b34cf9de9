import type { ObjectStore } from '../../objects/object-store.ts';
import type { LoadFigures } from '../destination.ts';
import { superseded } from '../load-precedence.ts';
import { type LoadWriter, standingOf } from '../standing.ts';
import { targetBusy } from '../target-failures.ts';
import { metadataOf, readStoredPart, type StoredPart } from './stored-part.ts';

/** Each loss means that somebody else wrote; more than a few writers at one key are none of ours. */
const mostAttempts = 8;

export interface PartToPlace extends LoadWriter {
  readonly key: string;
  readonly contentType: string;
  readonly loadId: string;
  readonly chunkId: string;
  readonly rows: number;
  readonly digest: string;
  readonly signal: AbortSignal;
  /** Asked only when the part has to be written. */
  encode(): Promise<Uint8Array>;
}

/**
 * Puts one part at its key by compare-and-swap, so that of any number of writers the newest one's rows stand there
 * once. What the key holds decides:
 * - nothing: written, every row `inserted`;
 * - the same rows of the same run: left alone, its own figures answered;
 * - other rows of the same run, written under an older fence: replaced, counted as they were (all inserted or all
 *   updated), so that the run's figures stay those of the first writing;
 * - an earlier run's, or anything unknown: replaced, every row `updated`;
 * - a newer run's or worker's: `load-superseded`.
 * @throws Failure `load-superseded`, `target-busy`, and those of the store and of `encode`
 */
export async function placePart(objects: ObjectStore, part: PartToPlace): Promise<LoadFigures> {
  let body: Uint8Array | undefined;
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    part.signal.throwIfAborted();
    const held = await objects.head(part.key);
    const stored = held && readStoredPart(held.metadata);
    const standing = stored && standingOf(stored, part);
    if (standing === 'newer') throw superseded(part);
    if (standing === 'own' && stored?.digest === part.digest) return stored.figures;

    const figures = countAs(held === undefined ? undefined : (stored ?? 'unknown'), part);
    body ??= await part.encode();
    const { key, contentType } = part;
    const upload = { key, body, contentType, metadata: metadataOf({ ...part, figures }) };
    const written = held ? await objects.replace(upload, held.etag) : await objects.create(upload);
    if (written) return figures;
  }
  throw targetBusy(part.key);
}

function countAs(held: StoredPart | 'unknown' | undefined, part: PartToPlace): LoadFigures {
  const isFirst =
    held === undefined || (held !== 'unknown' && held.runId === part.runId && held.figures.updated === 0);
  return { inserted: isFirst ? part.rows : 0, updated: isFirst ? 0 : part.rows, unchanged: 0 };
}

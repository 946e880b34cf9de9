import type { ObjectMetadata } from '../../objects/object-store.ts';
import type { LoadChunk, LoadFigures } from '../destination.ts';
import type { LoadWriter } from '../standing.ts';

/** What an object of a load says of itself, in its metadata: written in the same request as its rows. */
export interface StoredPart extends LoadWriter {
  readonly chunkId: string;
  readonly rows: number;
  /** Of the rows as NDJSON, whatever the object's format. */
  readonly digest: string;
  readonly figures: LoadFigures;
}

export const partKey = (
  directory: string,
  chunk: LoadChunk,
  part: { index: number; format: string },
): string => `${chunkPrefix(directory, chunk)}${String(part.index).padStart(4, '0')}.${part.format}`;

/** What the keys of a chunk's objects begin with. */
export const chunkPrefix = (directory: string, chunk: LoadChunk): string =>
  `${loadPrefix(directory, chunk.loadId)}part-${String(chunk.ordinal).padStart(5, '0')}-`;

export const loadPrefix = (directory: string, loadId: string): string => `${directory}/load=${loadId}/`;

export const manifestKey = (directory: string, loadId: string): string =>
  `${manifestPrefix(directory)}${loadId}.json`;

export const manifestPrefix = (directory: string): string => `${directory}/_loads/`;

/** The load that a part or a manifest belongs to; undefined for what no load has written. */
export const loadOfKey = (directory: string, key: string): string | undefined =>
  /^(?:load=([0-9a-f]{64})\/.+|_loads\/([0-9a-f]{64})\.json)$/
    .exec(key.slice(directory.length + 1))
    ?.slice(1)
    .find((loadId) => loadId !== undefined);

export const metadataOf = ({ runId, fence, chunkId, rows, digest, figures }: StoredPart): ObjectMetadata => ({
  'run-id': runId,
  fence: String(fence),
  'chunk-id': encodeURIComponent(chunkId),
  rows: String(rows),
  digest,
  inserted: String(figures.inserted),
  updated: String(figures.updated),
  unchanged: String(figures.unchanged),
});

/** undefined: the object was not written by a load, or by hand. */
export function readStoredPart(metadata: ObjectMetadata): StoredPart | undefined {
  const { 'run-id': runId, 'chunk-id': chunkId, digest } = metadata;
  const [fence, rows] = [count(metadata.fence), count(metadata.rows)];
  const inserted = count(metadata.inserted);
  const updated = count(metadata.updated);
  const unchanged = count(metadata.unchanged);
  if (!runId || chunkId === undefined || !digest || fence === undefined || rows === undefined)
    return undefined;
  if (inserted === undefined || updated === undefined || unchanged === undefined) return undefined;
  const figures = { inserted, updated, unchanged };
  return { runId, fence, chunkId: decoded(chunkId), rows, digest, figures };
}

const count = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

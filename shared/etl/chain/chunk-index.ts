import * as z from 'zod';
import type { SchemaDrift } from '../contract/drift.ts';
import type { PiiWarning } from '../contract/undeclared-pii.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Part } from './parts.ts';
import { exchanged, keepJson, readKeptJson, sha256 } from './work-objects.ts';

/** What a stage has written for a chunk, in names and numbers alone. */
export interface ChunkIndex {
  readonly parts: readonly Part[];
  /** Parts of the quarantine bucket. */
  readonly quarantined?: readonly Part[] | undefined;
  readonly drift?: SchemaDrift | undefined;
  readonly piiWarnings?: readonly PiiWarning[] | undefined;
  /** Of keys that hashed or sealed columns. */
  readonly keyIds?: readonly string[] | undefined;
  /** What each destination told of the chunk. */
  readonly destinations?: readonly DestinationFigures[] | undefined;
}

export interface DestinationFigures {
  readonly name: string;
  readonly inserted: number;
  readonly updated: number;
  readonly unchanged: number;
}

const count = z.number().int().nonnegative();
const parts = z.array(z.object({ key: z.string(), versionId: z.string(), lines: count, digest: z.string() }));
const chunkIndex = z.object({
  parts,
  quarantined: parts.optional(),
  drift: z.object({ columns: z.record(z.string(), count), others: count }).optional(),
  piiWarnings: z
    .array(
      z.object({
        column: z.string(),
        kind: z.enum(['email', 'payment-card', 'iban']),
        rows: count,
        sampled: count,
      }),
    )
    .optional(),
  keyIds: z.array(z.string()).optional(),
  destinations: z
    .array(z.object({ name: z.string(), inserted: count, updated: count, unchanged: count }))
    .optional(),
});

/**
 * Keeps an index under a key that is this worker's alone; answers its digest.
 * @throws Failure `work-object-exchanged` where another one lies there
 */
export async function keepIndex(store: ObjectStore, key: string, index: ChunkIndex): Promise<string> {
  const digest = await keepJson(store, key, index);
  if (digest !== sha256(JSON.stringify(index))) throw exchanged(key);
  return digest;
}

/** @throws Failure `work-object-missing`, `work-object-exchanged` */
export const readIndex = async (
  store: ObjectStore,
  { outKey, outDigest }: { outKey: string; outDigest: string },
): Promise<ChunkIndex> => chunkIndex.parse(await readKeptJson(store, outKey, outDigest));

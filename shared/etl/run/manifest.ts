import { createHash } from 'node:crypto';
import { type CanonicalValue, canonicalJson } from '../../audit/canonical-json.ts';
import { Failure } from '../../runtime/errors.ts';

/** A part of the source that one worker reads alone. */
export type SourceSlice =
  /** One version of an object; `sizeBytes` is what was promised, and what is read must agree. */
  | {
      readonly kind: 'object';
      readonly key: string;
      readonly versionId: string;
      readonly etag: string;
      readonly sizeBytes: number;
    }
  /** Rows or pages from a place (inclusive) to another (exclusive), in the source's own words. */
  | { readonly kind: 'range'; readonly from: string; readonly to?: string | undefined };

export interface ManifestEntry {
  readonly chunkId: string;
  /** 0-based place in the manifest. */
  readonly ordinal: number;
  readonly slice: SourceSlice;
}

/** What a run reads, listed before it reads anything. */
export interface Manifest {
  readonly runId: string;
  readonly entries: readonly ManifestEntry[];
}

/** A run's counts of finished chunks are one item; this many keep it under 60 KB of DynamoDB's 400. */
export const mostChunks = 10_000;

/**
 * The manifest over the slices, in their order. A slice has the same chunk id in every manifest that lists it at
 * the same place.
 * @throws Failure `manifest-too-long`, `manifest-repeats` (a slice is listed twice)
 */
export function buildManifest(runId: string, slices: readonly SourceSlice[]): Manifest {
  if (slices.length > mostChunks)
    throw refused(
      'manifest-too-long',
      `has ${slices.length} slices, and ${mostChunks} is the most; cut coarser`,
    );
  const digests = slices.map((slice) => sha256(canonicalJson({ ...slice })));
  if (new Set(digests).size < digests.length)
    throw refused('manifest-repeats', 'lists a slice twice; its records would be loaded twice');
  const entries = slices.map((slice, ordinal) => ({
    chunkId: `${String(ordinal).padStart(5, '0')}-${digests[ordinal]?.slice(0, 16)}`,
    ordinal,
    slice,
  }));
  return { runId, entries };
}

/** What the run keeps of its manifest, hexadecimal: a manifest that was exchanged is found out. */
export const digestOfManifest = (manifest: Manifest): string =>
  sha256(canonicalJson(manifest as unknown as CanonicalValue));

/** The source's versions as a run record lists them. */
export const sourceVersions = ({ entries }: Manifest): readonly string[] =>
  entries.flatMap(({ slice }) => (slice.kind === 'object' ? [`${slice.key}@${slice.versionId}`] : []));

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const refused = (code: string, what: string) =>
  new Failure({ code, disposition: 'give-up', message: `the manifest of the source ${what}` });

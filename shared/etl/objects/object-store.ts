/** One version of an object. */
export interface ObjectVersion {
  readonly key: string;
  readonly versionId: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly lastModifiedAt: Date;
}

/** What a caller puts beside the bytes; names in lower case, values in ASCII. */
export type ObjectMetadata = Readonly<Record<string, string>>;

export interface StoredObject extends ObjectVersion {
  readonly metadata: ObjectMetadata;
}

export interface ObjectUpload {
  readonly key: string;
  /** At most `largestObjectBytes`. */
  readonly body: Uint8Array;
  readonly contentType?: string | undefined;
  readonly metadata?: ObjectMetadata | undefined;
  /** Nobody can delete this version before (Object Lock, COMPLIANCE); the bucket must have it enabled. */
  readonly lockedUntil?: Date | undefined;
}

/** Objects are written whole, so that one is either there or not. */
export const largestObjectBytes = 128 * 1024 * 1024;

/**
 * One versioned bucket. Reads see every finished write. A write is decided by one condition, so that of many writers
 * one wins. Failures: `objects-unavailable` (retry), `objects-denied` (give-up), `object-too-large` (bug),
 * `object-changed` (give-up: what is read is not what its size and etag promised).
 */
export interface ObjectStore {
  /** Writes where no object is (If-None-Match: *); undefined when the key is taken, also by the same bytes. */
  create(upload: ObjectUpload): Promise<ObjectVersion | undefined>;
  /** Writes over the version with this etag (If-Match); undefined when another is there, or none. */
  replace(upload: ObjectUpload, etag: string): Promise<ObjectVersion | undefined>;
  /** The latest version; undefined when there is none or it was deleted. */
  head(key: string): Promise<StoredObject | undefined>;
  /** The bytes of a version, the latest by default, in pieces; undefined as with `head`. */
  read(
    key: string,
    options?: { versionId?: string | undefined; signal?: AbortSignal | undefined },
  ): Promise<{ readonly object: StoredObject; readonly bytes: AsyncIterable<Uint8Array> } | undefined>;
  /** Every version under a prefix, by key, newest first; delete markers have `deleted`. */
  listVersions(
    prefix: string,
  ): AsyncIterable<ObjectVersion & { readonly latest: boolean; readonly deleted: boolean }>;
  /** Erases one version for good, a delete marker as well; one that is gone is no failure. */
  deleteVersion(key: string, versionId: string): Promise<void>;
}

import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../../runtime/clock.ts';
import { Failure } from '../../runtime/errors.ts';
import type { ObjectStore, ObjectUpload, StoredObject } from './object-store.ts';
import { refuseTooLarge } from './upload-limit.ts';

interface MemoryVersion extends StoredObject {
  readonly body: Uint8Array;
  readonly deleted: boolean;
  readonly lockedUntil: Date | undefined;
}

const pieceBytes = 64 * 1024;

/** A versioned bucket in memory whose versions may be locked; `deleteLatest` writes a delete marker. */
export function createMemoryObjectStore(
  clock: Clock,
): ObjectStore & { deleteLatest(key: string): Promise<void> } {
  /** Newest first. */
  const versions = new Map<string, readonly MemoryVersion[]>();
  const latestOf = (key: string): MemoryVersion | undefined => {
    const [latest] = versions.get(key) ?? [];
    return latest?.deleted === false ? latest : undefined;
  };
  function write(upload: ObjectUpload, deleted: boolean): MemoryVersion {
    const version: MemoryVersion = {
      key: upload.key,
      versionId: randomUUID(),
      etag: deleted ? '' : `"${createHash('md5').update(upload.body).digest('hex')}"`,
      sizeBytes: upload.body.length,
      lastModifiedAt: clock.now(),
      metadata: { ...upload.metadata },
      body: upload.body.slice(),
      deleted,
      lockedUntil: upload.lockedUntil,
    };
    versions.set(upload.key, [version, ...(versions.get(upload.key) ?? [])]);
    return version;
  }

  return {
    async create(upload) {
      refuseTooLarge(upload);
      return latestOf(upload.key) ? undefined : describe(write(upload, false));
    },
    async replace(upload, etag) {
      refuseTooLarge(upload);
      return latestOf(upload.key)?.etag === etag ? describe(write(upload, false)) : undefined;
    },
    async head(key) {
      const latest = latestOf(key);
      return latest && describeStored(latest);
    },
    async read(key, { versionId, signal } = {}) {
      signal?.throwIfAborted();
      const found =
        versionId === undefined
          ? latestOf(key)
          : versions.get(key)?.find((version) => version.versionId === versionId && !version.deleted);
      return found && { object: describeStored(found), bytes: piecesOf(found.body, signal) };
    },
    async *listVersions(prefix) {
      const keys = [...versions.keys()].filter((key) => key.startsWith(prefix)).sort(inOrderOfBytes);
      for (const key of keys) {
        const ofKey = versions.get(key) ?? [];
        for (const [index, version] of ofKey.entries()) {
          yield { ...describe(version), latest: index === 0, deleted: version.deleted };
        }
      }
    },
    async deleteVersion(key, versionId) {
      const ofKey = versions.get(key) ?? [];
      const lockedUntil = ofKey.find((version) => version.versionId === versionId)?.lockedUntil;
      if (lockedUntil && lockedUntil > clock.now()) throw locked(key, lockedUntil);
      const others = ofKey.filter((version) => version.versionId !== versionId);
      if (others.length > 0) versions.set(key, others);
      else versions.delete(key);
    },
    async deleteLatest(key) {
      write({ key, body: new Uint8Array() }, true);
    },
  };
}

const describe = ({ key, versionId, etag, sizeBytes, lastModifiedAt }: MemoryVersion) => ({
  key,
  versionId,
  etag,
  sizeBytes,
  lastModifiedAt,
});

const describeStored = (version: MemoryVersion): StoredObject => ({
  ...describe(version),
  metadata: { ...version.metadata },
});

/** As S3 lists keys, which is not the order of JavaScript's strings. */
const inOrderOfBytes = (one: string, other: string): number =>
  Buffer.compare(Buffer.from(one), Buffer.from(other));

async function* piecesOf(body: Uint8Array, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  for (let at = 0; at < body.length; at += pieceBytes) {
    signal?.throwIfAborted();
    yield body.slice(at, at + pieceBytes);
  }
}

const locked = (key: string, until: Date): Failure =>
  new Failure({
    code: 'objects-denied',
    disposition: 'give-up',
    message: `the object ${JSON.stringify(key)} is locked until ${until.toISOString()}; nobody can delete it before`,
  });

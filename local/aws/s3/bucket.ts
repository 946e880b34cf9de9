import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../shared/runtime/clock.ts';
import type { BucketPlan } from '../stack-plan.ts';
import {
  checkRetention,
  checkWriteCondition,
  type ObjectDraft,
  type ObjectVersion,
  unversionedId,
  type WriteCondition,
} from './object-version.ts';
import { noSuchKey, S3Error } from './s3-error.ts';
import type { VersionShelf } from './version-shelf.ts';

/** A bucket's versions in memory, their bytes on a shelf. Writes to one key follow each other. */
export class Bucket {
  settings: BucketPlan;
  readonly #shelf: VersionShelf;
  readonly #clock: Clock;
  /** By key, newest first, never empty. */
  readonly #versions = new Map<string, readonly ObjectVersion[]>();
  readonly #turns = new Map<string, Promise<unknown>>();
  #sequence = 0;
  #sortedKeys: readonly string[] | undefined;

  constructor(settings: BucketPlan, { shelf, clock }: { shelf: VersionShelf; clock: Clock }) {
    this.settings = settings;
    this.#shelf = shelf;
    this.#clock = clock;
    for (const version of shelf.versions) {
      this.#keep(version);
      this.#sequence = version.sequence;
    }
  }

  /** In the order of their bytes in UTF-8, as S3 lists them. */
  get keys(): readonly string[] {
    this.#sortedKeys ??= [...this.#versions.keys()].sort((one, other) =>
      Buffer.compare(Buffer.from(one), Buffer.from(other)),
    );
    return this.#sortedKeys;
  }

  /** Newest first. */
  versionsOf(key: string): readonly ObjectVersion[] {
    return this.#versions.get(key) ?? [];
  }

  /**
   * The version with this id, the latest without one.
   * @throws S3Error `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed` for a delete marker
   */
  find(key: string, versionId: string | undefined): ObjectVersion {
    const [latest] = this.versionsOf(key);
    if (versionId === undefined) {
      if (!latest) throw noSuchKey();
      if (latest.deleted) throw noSuchKey().with(markerHeaders(latest));
      return latest;
    }
    const found = this.versionsOf(key).find((version) => version.versionId === versionId);
    if (!found) throw new S3Error(404, 'NoSuchVersion', 'The specified version does not exist.');
    if (!found.deleted) return found;
    const message = 'The specified method is not allowed against this resource.';
    throw new S3Error(405, 'MethodNotAllowed', message).with({ allow: 'DELETE', ...markerHeaders(found) });
  }

  /** A version and its bytes. @throws as `find` */
  read(key: string, versionId: string | undefined): Promise<{ version: ObjectVersion; bytes: Buffer }> {
    // In turn, since a file may go when its object is written over.
    return this.#inTurn(key, async () => {
      const version = this.find(key, versionId);
      return { version, bytes: await this.#shelf.read(version) };
    });
  }

  /** @throws S3Error `PreconditionFailed`, `NoSuchKey` where the condition does not hold */
  write(draft: ObjectDraft, bytes: Buffer, condition: WriteCondition): Promise<ObjectVersion> {
    return this.#inTurn(draft.key, async () => {
      checkWriteCondition(condition, this.versionsOf(draft.key)[0]);
      const version: ObjectVersion = {
        ...draft,
        versionId: this.settings.versioned ? randomBytes(24).toString('base64url') : unversionedId,
        sequence: ++this.#sequence,
        modifiedAt: Math.floor(this.#clock.now().getTime() / 1000) * 1000,
      };
      await this.#shelf.write(version, bytes);
      const replaced = this.#keep(version);
      if (replaced) await this.#shelf.remove(replaced);
      return version;
    });
  }

  /** Hides the object behind a delete marker, or erases it where the bucket has no versions. */
  async removeLatest(key: string): Promise<ObjectVersion | undefined> {
    if (!this.settings.versioned) {
      await this.removeVersion(key, { versionId: unversionedId, bypass: undefined });
      return undefined;
    }
    const marker = { key, etag: '', sizeBytes: 0, deleted: true, headers: {}, checksums: {} };
    return this.write(marker, Buffer.alloc(0), {});
  }

  /** Erases one version; one that is gone is no failure. @throws S3Error `AccessDenied` while it is locked */
  removeVersion(
    key: string,
    { versionId, bypass }: { versionId: string; bypass: 'governance' | undefined },
  ): Promise<ObjectVersion | undefined> {
    return this.#inTurn(key, async () => {
      const version = this.versionsOf(key).find((each) => each.versionId === versionId);
      if (!version) return undefined;
      checkRetention(version, { now: this.#clock.now().getTime(), bypass });
      await this.#shelf.remove(version);
      this.#set(
        key,
        this.versionsOf(key).filter((each) => each !== version),
      );
      return version;
    });
  }

  /** Answers the version that gave way: without versioning there is one at most. */
  #keep(version: ObjectVersion): ObjectVersion | undefined {
    const others = this.versionsOf(version.key);
    const replaced = others.find(
      ({ versionId }) => versionId === unversionedId && version.versionId === unversionedId,
    );
    this.#set(version.key, [version, ...others.filter((each) => each !== replaced)]);
    return replaced;
  }

  #set(key: string, versions: readonly ObjectVersion[]): void {
    if (this.#versions.has(key) !== versions.length > 0) this.#sortedKeys = undefined;
    if (versions.length > 0) this.#versions.set(key, versions);
    else this.#versions.delete(key);
  }

  async #inTurn<Result>(key: string, act: () => Promise<Result>): Promise<Result> {
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(act);
    this.#turns.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }
}

export const markerHeaders = ({ versionId, deleted }: ObjectVersion): Record<string, string> => ({
  'x-amz-version-id': versionId,
  ...(deleted ? { 'x-amz-delete-marker': 'true' } : {}),
});

import { S3Error } from './s3-error.ts';

export interface Retention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  /** Epoch milliseconds. */
  readonly until: number;
}

/** What a caller says of an object beside its bytes. */
export interface ObjectDraft {
  readonly key: string;
  /** MD5 in hexadecimal, in quotes; empty for a delete marker. */
  readonly etag: string;
  readonly sizeBytes: number;
  readonly deleted: boolean;
  /** Headers that are answered as they came: type, metadata, encryption. */
  readonly headers: Readonly<Record<string, string>>;
  /** By header, `x-amz-checksum-crc32`. */
  readonly checksums: Readonly<Record<string, string>>;
  readonly retention?: Retention | undefined;
}

/** A version as it is kept; a delete marker is one without bytes. */
export interface ObjectVersion extends ObjectDraft {
  /** `null` where it was written without versioning. */
  readonly versionId: string;
  /** Of two versions in a bucket the later has the greater one. */
  readonly sequence: number;
  /** Epoch milliseconds, in whole seconds. */
  readonly modifiedAt: number;
}

export const unversionedId = 'null';

/** What a write depends on. */
export interface WriteCondition {
  /** Only where no object is. */
  readonly ifNoneMatch?: '*' | undefined;
  /** Only over an object with this etag. */
  readonly ifMatch?: string | undefined;
}

/**
 * Decides a conditional write by the latest version, which a delete marker hides.
 * @throws S3Error `PreconditionFailed`, `NoSuchKey`
 */
export function checkWriteCondition(condition: WriteCondition, latest: ObjectVersion | undefined): void {
  const present = latest?.deleted === false ? latest : undefined;
  const { ifNoneMatch, ifMatch } = condition;
  if (ifMatch !== undefined && !present) {
    throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');
  }
  if ((ifNoneMatch !== undefined && present) || (ifMatch !== undefined && !sameEtag(ifMatch, present))) {
    throw new S3Error(
      412,
      'PreconditionFailed',
      'At least one of the pre-conditions you specified did not hold',
    );
  }
}

/** Callers send etags with or without their quotes. */
export const sameEtag = (given: string, version: Pick<ObjectVersion, 'etag'> | undefined): boolean =>
  version !== undefined && given.replaceAll('"', '') === version.etag.replaceAll('"', '');

/**
 * Object Lock: COMPLIANCE holds against everybody, GOVERNANCE against those who do not say that they bypass it.
 * @throws S3Error `AccessDenied`
 */
export function checkRetention(
  { retention }: ObjectVersion,
  { now, bypass }: { now: number; bypass: 'governance' | undefined },
): void {
  if (!retention || retention.until <= now) return;
  if (retention.mode === 'GOVERNANCE' && bypass === 'governance') return;
  throw new S3Error(403, 'AccessDenied', 'Access Denied because object protected by object lock.');
}

import {
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ObjectVersion } from './object-store.ts';
import { translateS3Error } from './s3-errors.s3.ts';

export type ListedVersion = ObjectVersion & { readonly latest: boolean; readonly deleted: boolean };

/**
 * Every version under a prefix, by key, newest first, a page of a thousand at a time. S3 lists versions and delete
 * markers apart, and says of neither which of a key's is newer but by their instants, in whole seconds.
 * @throws Failure `objects-unavailable`, `objects-denied`
 */
export async function* listObjectVersions(
  client: Pick<S3Client, 'send'>,
  { bucket, prefix }: { bucket: string; prefix: string },
): AsyncIterable<ListedVersion> {
  let marker: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (;;) {
    let page: ListObjectVersionsCommandOutput;
    try {
      page = await client.send(
        // Encoded, since XML cannot carry every character a key may have.
        new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, EncodingType: 'url', ...marker }),
      );
    } catch (error) {
      throw translateS3Error(error, bucket);
    }
    yield* versionsOf(page);
    if (!page.IsTruncated || page.NextKeyMarker === undefined) return;
    marker = {
      KeyMarker: decodeKey(page.NextKeyMarker),
      ...(page.NextVersionIdMarker === undefined ? {} : { VersionIdMarker: page.NextVersionIdMarker }),
    };
  }
}

/** A page's versions and delete markers in the order S3 has them. */
function versionsOf({ Versions = [], DeleteMarkers = [] }: ListObjectVersionsCommandOutput): ListedVersion[] {
  const versions = Versions.map((each) => ({ ...describe(each), deleted: false }));
  const markers = DeleteMarkers.map((each) => ({ ...describe(each), deleted: true }));
  // Of one instant the marker is the newer, more often than not; the sort keeps S3's order among equals.
  return [...markers, ...versions].sort(
    (one, other) =>
      Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)) ||
      Number(other.latest) - Number(one.latest) ||
      other.lastModifiedAt.getTime() - one.lastModifiedAt.getTime(),
  );
}

interface ListEntry {
  readonly Key?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly ETag?: string | undefined;
  readonly Size?: number | undefined;
  readonly IsLatest?: boolean | undefined;
  readonly LastModified?: Date | undefined;
}

const describe = ({ Key, VersionId, ETag, Size, IsLatest, LastModified }: ListEntry) => ({
  key: decodeKey(Key ?? ''),
  versionId: VersionId ?? 'null',
  etag: ETag ?? '',
  sizeBytes: Size ?? 0,
  lastModifiedAt: LastModified ?? new Date(0),
  latest: IsLatest ?? false,
});

/** As S3 encodes keys in lists: like a form, where a plus is a space. */
const decodeKey = (encoded: string): string => decodeURIComponent(encoded.replaceAll('+', '%20'));

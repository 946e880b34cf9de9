import type { S3Operation } from './context.ts';
import { headerOf } from './context.ts';
import { type ListedVersion, type ListItem, listObjects, listVersions, nameOfItem } from './listing.ts';
import type { S3OperationName } from './operation.ts';
import { S3Error } from './s3-error.ts';
import { element, s3Document } from './xml.ts';

const largestPage = 1000;

const createBucket: S3Operation = async (request, { buckets }) => {
  const objectLock = headerOf(request, 'x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true';
  const { bucket: name } = request.target;
  buckets.create({ name, versioned: objectLock, objectLock });
  return { status: 200, headers: { location: `/${name}`, 'content-length': '0' } };
};

const headBucket: S3Operation = async ({ target }, { buckets }) => {
  buckets.find(target.bucket);
  return { status: 200 };
};

const getBucketVersioning: S3Operation = async ({ target }, { buckets }) => {
  const { versioned } = buckets.find(target.bucket).settings;
  return s3Document('VersioningConfiguration', element('Status', versioned ? 'Enabled' : undefined));
};

const putBucketVersioning: S3Operation = async ({ target, body }, { buckets }) => {
  const { settings } = buckets.find(target.bucket);
  if (!/<Status>\s*Enabled\s*<\/Status>/.test(body.toString('utf8'))) {
    throw new S3Error(501, 'NotImplemented', 'the embedded S3 does not suspend versioning');
  }
  buckets.ensure({ ...settings, versioned: true });
  return { status: 200, headers: { 'content-length': '0' } };
};

/** S3 encodes names like a form, slashes excepted. */
function encoderOf(query: URLSearchParams): (text: string) => string {
  if (query.get('encoding-type') !== 'url') return (text) => text;
  const plain: Readonly<Record<string, string>> = { '%2F': '/', '%20': '+' };
  return (text) => encodeURIComponent(text).replace(/%2F|%20/g, (code) => plain[code] ?? code);
}

/** @throws S3Error `InvalidArgument` */
function pageSizeOf(query: URLSearchParams): number {
  const size = Number(query.get('max-keys') ?? largestPage);
  if (Number.isInteger(size) && size >= 0) return Math.min(size, largestPage);
  throw new S3Error(400, 'InvalidArgument', 'Provided max-keys not an integer or within integer range');
}

const instant = (millis: number): string => new Date(millis).toISOString();

const listObjectsV2: S3Operation = async ({ target: { bucket, query } }, { buckets }) => {
  const encode = encoderOf(query);
  const token = query.get('continuation-token');
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const after = token === null ? query.get('start-after') : Buffer.from(token, 'base64url').toString('utf8');
  const atMost = pageSizeOf(query);
  const page = listObjects(buckets.find(bucket), { prefix, delimiter, after: after ?? undefined, atMost });
  const next = page.last && Buffer.from(nameOfItem(page.last)).toString('base64url');
  const describe = (item: ListItem): string => {
    if (item.kind === 'prefix') {
      return `<CommonPrefixes>${element('Prefix', encode(item.prefix))}</CommonPrefixes>`;
    }
    const { key, modifiedAt, etag, sizeBytes } = item.version;
    const fields = [element('Key', encode(key)), element('LastModified', instant(modifiedAt))];
    fields.push(element('ETag', etag), element('Size', sizeBytes), element('StorageClass', 'STANDARD'));
    return `<Contents>${fields.join('')}</Contents>`;
  };
  const fields = [
    element('Name', bucket),
    element('Prefix', encode(prefix)),
    element('Delimiter', delimiter === '' ? undefined : encode(delimiter)),
    element('MaxKeys', atMost),
    element('KeyCount', page.items.length),
    element('EncodingType', query.get('encoding-type') ?? undefined),
    element('IsTruncated', next !== undefined),
    element('ContinuationToken', token ?? undefined),
    element('NextContinuationToken', next),
    ...page.items.map(describe),
  ];
  return s3Document('ListBucketResult', fields.join(''));
};

const listObjectVersions: S3Operation = async ({ target: { bucket, query } }, { buckets }) => {
  const encode = encoderOf(query);
  const prefix = query.get('prefix') ?? '';
  const [key, versionId] = [
    query.get('key-marker') || undefined,
    query.get('version-id-marker') || undefined,
  ];
  const atMost = pageSizeOf(query);
  const page = listVersions(buckets.find(bucket), { prefix, key, versionId, atMost });
  const describe = ({ version, latest }: ListedVersion): string => {
    const fields = [element('Key', encode(version.key)), element('VersionId', version.versionId)];
    fields.push(element('IsLatest', latest), element('LastModified', instant(version.modifiedAt)));
    if (version.deleted) return `<DeleteMarker>${fields.join('')}</DeleteMarker>`;
    fields.push(element('ETag', version.etag), element('Size', version.sizeBytes));
    fields.push(element('StorageClass', 'STANDARD'));
    return `<Version>${fields.join('')}</Version>`;
  };
  const fields = [
    element('Name', bucket),
    element('Prefix', encode(prefix)),
    element('KeyMarker', encode(key ?? '')),
    element('VersionIdMarker', versionId ?? ''),
    element('MaxKeys', atMost),
    element('EncodingType', query.get('encoding-type') ?? undefined),
    element('IsTruncated', page.last !== undefined),
    element('NextKeyMarker', page.last && encode(page.last.version.key)),
    element('NextVersionIdMarker', page.last?.version.versionId),
    ...page.items.map(describe),
  ];
  return s3Document('ListVersionsResult', fields.join(''));
};

export const bucketOperations: Readonly<Partial<Record<S3OperationName, S3Operation>>> = {
  CreateBucket: createBucket,
  HeadBucket: headBucket,
  GetBucketVersioning: getBucketVersioning,
  PutBucketVersioning: putBucketVersioning,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
};

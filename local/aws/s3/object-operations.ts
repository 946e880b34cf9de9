import { createHash } from 'node:crypto';
import type { EndpointRequest } from '../http-endpoint.ts';
import { readObjectBody } from './body.ts';
import { markerHeaders } from './bucket.ts';
import { headerOf, type S3Operation } from './context.ts';
import { type ObjectVersion, sameEtag, type WriteCondition } from './object-version.ts';
import type { S3OperationName } from './operation.ts';
import { rangeOf } from './range.ts';
import { readRetention, retentionHeaders } from './retention.ts';
import { notImplemented, S3Error } from './s3-error.ts';

const largestKeyBytes = 1024;
const largestMetadataBytes = 2048;

/** Headers of an upload that come back with the object. */
const keptHeaders =
  /^(content-type|content-disposition|content-encoding|content-language|cache-control|expires|x-amz-meta-.+|x-amz-server-side-encryption(-aws-kms-key-id|-bucket-key-enabled|-context)?)$/;

const putObject: S3Operation = async (request, { buckets, clock }) => {
  const { key } = request.target;
  const bucket = buckets.find(request.target.bucket);
  if (Buffer.byteLength(key) > largestKeyBytes) {
    throw new S3Error(400, 'KeyTooLongError', 'Your key is too long');
  }
  const retention = readRetention(request, { bucket: bucket.settings, now: clock.now().getTime() });
  const { bytes, checksums } = readObjectBody(request.headers, request.body);
  const draft = {
    key,
    etag: `"${createHash('md5').update(bytes).digest('hex')}"`,
    sizeBytes: bytes.length,
    deleted: false,
    headers: readKeptHeaders(request),
    checksums,
    retention,
  };
  const version = await bucket.write(draft, bytes, readCondition(request));
  return {
    status: 200,
    headers: {
      ...encryptionOf(version),
      ...versionHeader(version),
      ...checksums,
      etag: version.etag,
      'content-length': '0',
    },
  };
};

/** @throws S3Error `MetadataTooLarge` */
function readKeptHeaders({ headers }: EndpointRequest): Record<string, string> {
  const kept = Object.entries(headers).flatMap(([name, value]): [string, string][] => {
    if (!keptHeaders.test(name) || value === undefined) return [];
    // How the body travelled is not how the object is encoded.
    const text =
      name === 'content-encoding' ? String(value).replace(/^aws-chunked(, ?)?/, '') : String(value);
    return text === '' && name === 'content-encoding' ? [] : [[name, text]];
  });
  const metadata = kept.filter(([name]) => name.startsWith('x-amz-meta-'));
  const sizeBytes = metadata.reduce((sum, [name, value]) => sum + name.length - 11 + value.length, 0);
  if (sizeBytes > largestMetadataBytes) {
    const message = 'Your metadata headers exceed the maximum allowed metadata size';
    throw new S3Error(400, 'MetadataTooLarge', message);
  }
  return Object.fromEntries(kept);
}

/** @throws S3Error `NotImplemented` for conditions that S3 does not have on writes */
function readCondition(request: EndpointRequest): WriteCondition {
  const [ifMatch, ifNoneMatch] = [headerOf(request, 'if-match'), headerOf(request, 'if-none-match')];
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') throw notImplemented('If-None-Match of an etag');
  return { ifMatch, ifNoneMatch };
}

const getObject: S3Operation = async (request, { buckets }) => {
  const { bucket, key, query } = request.target;
  const { version, bytes } = await buckets.find(bucket).read(key, query.get('versionId') ?? undefined);
  checkReadCondition(request, version);
  const range = rangeOf(headerOf(request, 'range'), bytes.length);
  const part = range ? bytes.subarray(range.start, range.end + 1) : bytes;
  return {
    status: range ? 206 : 200,
    headers: {
      ...describe(request, version),
      ...(range && { 'content-range': `bytes ${range.start}-${range.end}/${bytes.length}` }),
      ...(range ? {} : checksumsFor(request, version)),
      'content-length': String(part.length),
    },
    body: part,
  };
};

const headObject: S3Operation = async (request, { buckets }) => {
  const { bucket, key, query } = request.target;
  const version = buckets.find(bucket).find(key, query.get('versionId') ?? undefined);
  checkReadCondition(request, version);
  const headers = { ...describe(request, version), ...checksumsFor(request, version) };
  return { status: 200, headers: { ...headers, 'content-length': String(version.sizeBytes) } };
};

const deleteObject: S3Operation = async (request, { buckets }) => {
  const { key, query } = request.target;
  if (headerOf(request, 'if-match') !== undefined) throw notImplemented('If-Match on DeleteObject');
  const bucket = buckets.find(request.target.bucket);
  const versionId = query.get('versionId');
  const asks = headerOf(request, 'x-amz-bypass-governance-retention')?.toLowerCase() === 'true';
  const bypass = asks ? ('governance' as const) : undefined;
  const version =
    versionId === null
      ? await bucket.removeLatest(key)
      : await bucket.removeVersion(key, { versionId, bypass });
  const named = versionId === null ? {} : { 'x-amz-version-id': versionId };
  return { status: 204, headers: { ...named, ...(version && markerHeaders(version)) } };
};

/** @throws S3Error `PreconditionFailed`, and a bare 304 */
function checkReadCondition(request: EndpointRequest, version: ObjectVersion): void {
  const [ifMatch, ifNoneMatch] = [headerOf(request, 'if-match'), headerOf(request, 'if-none-match')];
  if (ifMatch !== undefined && ifMatch !== '*' && !sameEtag(ifMatch, version)) {
    const message = 'At least one of the pre-conditions you specified did not hold';
    throw new S3Error(412, 'PreconditionFailed', message);
  }
  if (ifNoneMatch !== undefined && (ifNoneMatch === '*' || sameEtag(ifNoneMatch, version))) {
    throw new S3Error(304, 'NotModified', 'Not Modified').with({ etag: version.etag });
  }
}

const describe = (request: EndpointRequest, version: ObjectVersion): Record<string, string> => ({
  'content-type': 'binary/octet-stream',
  ...version.headers,
  ...encryptionOf(version),
  ...versionHeader(version),
  ...retentionHeaders(version),
  etag: version.etag,
  'accept-ranges': 'bytes',
  'last-modified': new Date(version.modifiedAt).toUTCString(),
  ...overridesIn(request),
});

/** S3 encrypts every object; under its own key where nobody asks for another. */
const encryptionOf = ({ headers }: ObjectVersion): Record<string, string> => ({
  'x-amz-server-side-encryption': 'AES256',
  ...Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith('x-amz-server-side-encryption')),
  ),
});

const versionHeader = ({ versionId }: ObjectVersion): Record<string, string> =>
  versionId === 'null' ? {} : { 'x-amz-version-id': versionId };

const checksumsFor = (request: EndpointRequest, { checksums }: ObjectVersion) =>
  headerOf(request, 'x-amz-checksum-mode') === 'ENABLED' ? checksums : {};

/** `response-content-type` and its like. */
const overridesIn = ({ url }: EndpointRequest): Record<string, string> =>
  Object.fromEntries(
    [...new URLSearchParams(url.split('?')[1])]
      .filter(([name]) => name.startsWith('response-'))
      .map(([name, value]) => [name.slice('response-'.length), value]),
  );

export const objectOperations: Readonly<Partial<Record<S3OperationName, S3Operation>>> = {
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: deleteObject,
};

import type { IncomingHttpHeaders } from 'node:http';
import { readS3Target, type S3OperationName } from '../../s3/operation.ts';
import type { ServiceCall } from './call.ts';

interface S3Request {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

const actions: Readonly<Partial<Record<S3OperationName, string>>> = {
  HeadBucket: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  ListObjectVersions: 's3:ListBucketVersions',
  GetBucketVersioning: 's3:GetBucketVersioning',
  PutObject: 's3:PutObject',
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  DeleteObject: 's3:DeleteObject',
};

/** Where one version is named, another action is asked for. */
const actionsOnVersions: Readonly<Partial<Record<S3OperationName, string>>> = {
  GetObject: 's3:GetObjectVersion',
  HeadObject: 's3:GetObjectVersion',
  DeleteObject: 's3:DeleteObjectVersion',
};

/** Headers that ask for a permission beside the operation's own. */
const actionsOfHeaders: Readonly<Record<string, string>> = {
  'x-amz-object-lock-mode': 's3:PutObjectRetention',
  'x-amz-object-lock-legal-hold': 's3:PutObjectLegalHold',
  'x-amz-bypass-governance-retention': 's3:BypassGovernanceRetention',
  'x-amz-tagging': 's3:PutObjectTagging',
  'x-amz-acl': 's3:PutObjectAcl',
};

/** S3 tells by its answer whether an etag is the object's, so a conditional write takes leave to read. */
const readsBeforeWriting = (operation: S3OperationName | undefined, { headers }: S3Request): boolean =>
  operation === 'PutObject' && headers['if-match'] !== undefined;

/** A call of S3 in path style, by the permissions of the service authorization reference. */
export function readS3Call(request: S3Request): ServiceCall {
  const target = readS3Target(request);
  const { bucket, key, query } = target;
  const byName = target.operation && actions[target.operation];
  const onVersion = target.operation && query.has('versionId') && actionsOnVersions[target.operation];
  const action = onVersion || byName;
  const operation = `s3:${request.method} ${request.url.split('?')[0]}`;
  if (!action) return { operation, needs: undefined };
  const beside = Object.entries(actionsOfHeaders).flatMap(([header, needed]) =>
    request.headers[header] === undefined ? [] : [needed],
  );
  if (readsBeforeWriting(target.operation, request)) beside.push('s3:GetObject');
  const resource = arnOf(bucket, key);
  return { operation, needs: [action, ...beside].map((each) => ({ action: each, resource })) };
}

/** What tells a caller that a key is missing: without it S3 answers 403 for keys that do not exist. */
export function readS3Absence(request: S3Request): ServiceCall {
  const { bucket } = readS3Target(request);
  return {
    operation: 's3:ListBucket',
    needs: [{ action: 's3:ListBucket', resource: arnOf(bucket, '') }],
  };
}

const arnOf = (bucket: string, key: string): string => `arn:aws:s3:::${bucket}${key === '' ? '' : `/${key}`}`;

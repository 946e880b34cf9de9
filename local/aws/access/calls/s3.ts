import type { ServiceCall } from './call.ts';

/** Parameters that change nothing about the permission; any other makes another operation of the request. */
const plainParameters =
  /^(x-id|list-type|prefix|delimiter|max-keys|continuation-token|start-after|encoding-type|fetch-owner|response-.*|x-amz-.*)$/i;

const onObject: Readonly<Record<string, string>> = {
  GET: 's3:GetObject',
  HEAD: 's3:GetObject',
  PUT: 's3:PutObject',
  DELETE: 's3:DeleteObject',
};
const onBucket: Readonly<Record<string, string>> = { GET: 's3:ListBucket', HEAD: 's3:ListBucket' };

/** A call of S3, its bucket and key in the path. Copies, versions, tags and multipart uploads are not known. */
export function readS3Call(request: {
  method: string;
  url: string;
  copies: string | undefined;
}): ServiceCall {
  const { method, url } = request;
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const operation = `s3:${method} ${pathname}`;
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/s.exec(pathname) ?? [];
  const action = (key === '' ? onBucket : onObject)[method];
  const plain = [...searchParams.keys()].every((name) => plainParameters.test(name));
  if (bucket === '' || action === undefined || !plain || request.copies !== undefined) {
    return { operation, needs: undefined };
  }
  return { operation, needs: [{ action, resource: arnOf(bucket, key) }] };
}

/** What tells a caller that a key is missing: without it S3 answers 403 for keys that do not exist. */
export function readS3Absence(url: string): ServiceCall {
  const [, bucket = ''] = new URL(url, 'http://s3').pathname.split('/');
  return {
    operation: 's3:ListBucket',
    needs: [{ action: 's3:ListBucket', resource: arnOf(bucket, '') }],
  };
}

const arnOf = (bucket: string, key: string): string =>
  `arn:aws:s3:::${bucket}${key === '' ? '' : `/${decodeURIComponent(key)}`}`;

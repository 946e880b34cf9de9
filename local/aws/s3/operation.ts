/** What the embedded S3 can do; everything else is refused, by name or not. */
export type S3OperationName =
  | 'CreateBucket'
  | 'HeadBucket'
  | 'PutBucketVersioning'
  | 'GetBucketVersioning'
  | 'ListObjectsV2'
  | 'ListObjectVersions'
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject';

export interface S3Target {
  /** Undefined for what the embedded S3 does not do. */
  readonly operation: S3OperationName | undefined;
  readonly bucket: string;
  /** As the caller means it: decoded, dots and slashes as they are. Empty for the bucket itself. */
  readonly key: string;
  readonly query: URLSearchParams;
}

/** By method, S3's parameter that names a subresource, and whether a key is named. */
const routes: Readonly<Record<string, S3OperationName>> = {
  'PUT bucket': 'CreateBucket',
  'HEAD bucket': 'HeadBucket',
  'PUT bucket versioning': 'PutBucketVersioning',
  'GET bucket versioning': 'GetBucketVersioning',
  'GET bucket list-type': 'ListObjectsV2',
  'GET bucket versions': 'ListObjectVersions',
  'PUT object': 'PutObject',
  'GET object': 'GetObject',
  'HEAD object': 'HeadObject',
  'DELETE object': 'DeleteObject',
};

/** Parameters that do not make another operation of a request. */
const plainParameters = /^(x-id|x-amz-.*)$/i;
const parametersOf: Readonly<Partial<Record<S3OperationName, RegExp>>> = {
  ListObjectsV2: /^(prefix|delimiter|max-keys|continuation-token|start-after|encoding-type|fetch-owner)$/,
  ListObjectVersions: /^(prefix|max-keys|key-marker|version-id-marker|encoding-type)$/,
  GetObject: /^(versionId|response-.*)$/,
  HeadObject: /^(versionId|response-.*)$/,
  DeleteObject: /^versionId$/,
};
const subresources = ['versioning', 'list-type', 'versions'];

/** Reads which operation a request in path style asks for. Nothing of the path is normalized: `..` is a key. */
export function readS3Target(request: {
  method: string;
  url: string;
  headers: Readonly<Record<string, unknown>>;
}): S3Target {
  const [path = '', search = ''] = splitOnce(request.url, '?');
  const [bucket, encodedKey = ''] = splitOnce(path.slice(1), '/');
  const query = new URLSearchParams(search);
  const key = decode(encodedKey);
  const unknown = { operation: undefined, bucket, key: key ?? encodedKey, query };
  if (key === undefined || bucket === '' || !path.startsWith('/')) return unknown;
  const subresource = key === '' ? subresources.find((name) => query.has(name)) : undefined;
  const route = [request.method, key === '' ? 'bucket' : 'object', ...(subresource ? [subresource] : [])];
  const operation = routes[route.join(' ')];
  const knows = (name: string) =>
    name === subresource ||
    plainParameters.test(name) ||
    (operation !== undefined && parametersOf[operation]?.test(name) === true);
  const copies = request.headers['x-amz-copy-source'] !== undefined;
  if (operation === undefined || copies || ![...query.keys()].every(knows)) return unknown;
  return { ...unknown, operation };
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

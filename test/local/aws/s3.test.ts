import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  type _Object,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmbeddedS3, startS3 } from '../../../local/aws/s3.ts';

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const connect = ({ endpoint }: EmbeddedS3) =>
  new S3Client({ endpoint, region: 'eu-west-1', maxAttempts: 1, credentials });
const versioned = { name: 'versioned', versioned: true, objectLock: true };
const plain = { name: 'plain', versioned: false, objectLock: false };

let server: EmbeddedS3;
let client: S3Client;
beforeAll(async () => {
  server = await startS3({});
  server.createBucket(versioned);
  server.createBucket(plain);
  client = connect(server);
});
afterAll(async () => {
  client.destroy();
  await server.stop();
});

const put = (Key: string, Body: string | Readable, more: Partial<PutObjectCommandInput> = {}) =>
  client.send(new PutObjectCommand({ Bucket: 'versioned', Key, Body, ...more }));
const get = (Key: string, more: Omit<GetObjectCommandInput, 'Bucket' | 'Key'> & { Bucket?: string } = {}) =>
  client.send(new GetObjectCommand({ Bucket: 'versioned', Key, ...more }));
const refusal = (name: string, status: number) => ({ name, $metadata: { httpStatusCode: status } });

describe('an upload', () => {
  test('comes back with its type, its metadata and its encryption', async () => {
    const written = await put('a', 'hello', {
      ContentType: 'text/plain',
      Metadata: { chunk: '7' },
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'alias/parts',
      BucketKeyEnabled: true,
    });
    expect(written).toMatchObject({
      ETag: '"5d41402abc4b2a76b9719d911017c592"',
      VersionId: expect.any(String),
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'alias/parts',
    });
    expect(await client.send(new HeadObjectCommand({ Bucket: 'versioned', Key: 'a' }))).toMatchObject({
      ContentLength: 5,
      ContentType: 'text/plain',
      Metadata: { chunk: '7' },
      VersionId: written.VersionId,
      BucketKeyEnabled: true,
    });
  });

  test('in chunks, with its checksum behind it, is put together', async () => {
    const pieces = Array.from({ length: 40 }, (_, index) => Buffer.alloc(10_000, index));
    const body = Buffer.concat(pieces);
    await put('stream', Readable.from(pieces), { ContentLength: body.length });
    const { Body, ContentEncoding } = await get('stream');
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    expect(ContentEncoding).toBeUndefined();
  });

  test.each([
    ['x-amz-checksum-crc32', 'AAAAAA=='],
    ['x-amz-checksum-sha256', Buffer.alloc(32).toString('base64')],
    ['content-md5', Buffer.alloc(16).toString('base64')],
  ])('is refused where it differs from its %s', async (header, value) => {
    const answer = await fetch(`${server.endpoint}/versioned/damaged`, {
      method: 'PUT',
      body: 'hello',
      headers: { [header]: value },
    });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('<Code>BadDigest</Code>');
    await expect(get('damaged')).rejects.toMatchObject(refusal('NoSuchKey', 404));
  });

  test('in chunks is refused where one is cut short', async () => {
    const answer = await fetch(`${server.endpoint}/versioned/short`, {
      method: 'PUT',
      body: '5\r\nhel',
      headers: { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' },
    });
    expect([answer.status, (await answer.text()).includes('IncompleteBody')]).toEqual([400, true]);
  });

  test('depends on what is there', async () => {
    const { ETag } = await put('condition', 'one', { IfNoneMatch: '*' });
    await expect(put('condition', 'two', { IfNoneMatch: '*' })).rejects.toMatchObject(
      refusal('PreconditionFailed', 412),
    );
    await expect(put('condition', 'two', { IfMatch: '"0"' })).rejects.toMatchObject(
      refusal('PreconditionFailed', 412),
    );
    await expect(put('none', 'two', { IfMatch: ETag })).rejects.toMatchObject(refusal('NoSuchKey', 404));
    await put('condition', 'two', { IfMatch: ETag });
  });

  test.each([
    ['k'.repeat(1025), {}, 'KeyTooLongError'],
    ['k', { Metadata: { long: 'x'.repeat(2048) } }, 'MetadataTooLarge'],
  ])('beyond the limits is refused', async (key, more, code) => {
    await expect(put(key, 'x', more)).rejects.toMatchObject(refusal(code, 400));
  });
});

describe('a read', () => {
  test('of a range answers that part', async () => {
    await put('range', '0123456789');
    const ranges = { 'bytes=2-4': '234', 'bytes=7-': '789', 'bytes=-2': '89', 'bytes=8-20': '89' };
    for (const [Range, text] of Object.entries(ranges)) {
      const part = await get('range', { Range });
      expect([part.$metadata.httpStatusCode, await part.Body?.transformToString()]).toEqual([206, text]);
    }
    expect((await get('range', { Range: 'bytes=2-4' })).ContentRange).toBe('bytes 2-4/10');
    await expect(get('range', { Range: 'bytes=10-' })).rejects.toMatchObject(refusal('InvalidRange', 416));
  });

  test('may depend on the etag', async () => {
    const { ETag } = await put('read', 'x');
    await expect(get('read', { IfMatch: '"0"' })).rejects.toMatchObject(refusal('PreconditionFailed', 412));
    await expect(get('read', { IfNoneMatch: ETag })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    });
    expect(await (await get('read', { IfMatch: ETag })).Body?.transformToString()).toBe('x');
  });

  test('says what is missing: the version, the key or the bucket', async () => {
    await put('there', 'x');
    await expect(get('there', { VersionId: 'none' })).rejects.toMatchObject(refusal('NoSuchVersion', 404));
    await expect(get('there', { Bucket: 'absent' })).rejects.toMatchObject(refusal('NoSuchBucket', 404));
    const { VersionId } = await client.send(new DeleteObjectCommand({ Bucket: 'versioned', Key: 'there' }));
    await expect(get('there')).rejects.toMatchObject(refusal('NoSuchKey', 404));
    await expect(get('there', { VersionId })).rejects.toMatchObject(refusal('MethodNotAllowed', 405));
  });
});

test('a bucket without versions keeps the last bytes alone', async () => {
  const object = { Bucket: 'plain', Key: 'k' };
  for (const Body of ['one', 'two']) {
    expect((await client.send(new PutObjectCommand({ ...object, Body }))).VersionId).toBeUndefined();
  }
  expect(await (await client.send(new GetObjectCommand(object))).Body?.transformToString()).toBe('two');
  const { Versions } = await client.send(new ListObjectVersionsCommand({ Bucket: 'plain' }));
  expect(Versions).toMatchObject([{ Key: 'k', VersionId: 'null', IsLatest: true }]);
  await client.send(new DeleteObjectCommand(object));
  const gone = await client.send(new ListObjectVersionsCommand({ Bucket: 'plain' }));
  expect([gone.Versions, gone.DeleteMarkers]).toEqual([undefined, undefined]);
});

describe('Object Lock', () => {
  const tomorrow = () => new Date(Date.now() + 86_400_000);
  const lock = (mode: 'COMPLIANCE' | 'GOVERNANCE') => ({
    ObjectLockMode: mode,
    ObjectLockRetainUntilDate: tomorrow(),
  });

  test('holds a version against its deletion, not against newer ones', async () => {
    const { VersionId } = await put('kept', 'x', lock('COMPLIANCE'));
    const object = { Bucket: 'versioned', Key: 'kept' };
    const erase = new DeleteObjectCommand({ ...object, VersionId, BypassGovernanceRetention: true });
    await expect(client.send(erase)).rejects.toMatchObject(refusal('AccessDenied', 403));
    await put('kept', 'y');
    const { DeleteMarker } = await client.send(new DeleteObjectCommand(object));
    expect(DeleteMarker).toBe(true);
    expect(await (await get('kept', { VersionId })).Body?.transformToString()).toBe('x');
  });

  test('in governance mode gives way to those who bypass it', async () => {
    const { VersionId } = await put('governed', 'x', lock('GOVERNANCE'));
    const object = { Bucket: 'versioned', Key: 'governed', VersionId };
    await expect(client.send(new DeleteObjectCommand(object))).rejects.toMatchObject(
      refusal('AccessDenied', 403),
    );
    await client.send(new DeleteObjectCommand({ ...object, BypassGovernanceRetention: true }));
    await expect(get('governed')).rejects.toMatchObject(refusal('NoSuchKey', 404));
  });

  test('is refused in a bucket without it, and where it has ended already', async () => {
    await expect(put('k', 'x', { ...lock('COMPLIANCE'), Bucket: 'plain' })).rejects.toMatchObject(
      refusal('InvalidRequest', 400),
    );
    const past = { ObjectLockMode: 'COMPLIANCE' as const, ObjectLockRetainUntilDate: new Date(0) };
    await expect(put('k', 'x', past)).rejects.toMatchObject(refusal('InvalidArgument', 400));
  });
});

describe('a listing', () => {
  const Bucket = 'listed';
  const keys = ['a', 'a b', 'a/1', 'a/2', 'b/1', 'b/2', 'c'];
  beforeAll(async () => {
    server.createBucket({ name: Bucket, versioned: true, objectLock: false });
    for (const Key of keys) {
      for (const Body of ['one', 'two']) await put(Key, Body, { Bucket });
    }
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'c' }));
  });

  test.each([1, 2, 3, 1000])('of objects is whole in pages of %i', async (MaxKeys) => {
    const found: _Object[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(new ListObjectsV2Command({ Bucket, MaxKeys, ContinuationToken }));
      found.push(...(page.Contents ?? []));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken);
    expect(found.map(({ Key }) => Key)).toEqual(keys.slice(0, -1));
    expect(found[0]).toMatchObject({ Size: 3, ETag: expect.stringMatching(/^"[0-9a-f]{32}"$/) });
  });

  test.each([1, 2, 1000])('takes keys behind a delimiter together, in pages of %i', async (MaxKeys) => {
    const found: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket, MaxKeys, ContinuationToken, Delimiter: '/' }),
      );
      found.push(...(page.Contents ?? []).map(({ Key }) => Key));
      found.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken);
    expect(found.sort()).toEqual(['a', 'a b', 'a/', 'b/']);
  });

  test.each([1, 2, 3, 1000])('of versions is whole in pages of %i', async (MaxKeys) => {
    const found: string[] = [];
    let markers: { KeyMarker?: string; VersionIdMarker?: string } = {};
    for (;;) {
      const page = await client.send(new ListObjectVersionsCommand({ Bucket, MaxKeys, ...markers }));
      const entries = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
      found.push(...entries.map(({ Key, VersionId }) => `${Key} ${VersionId}`));
      if (!page.IsTruncated) break;
      markers = { KeyMarker: page.NextKeyMarker ?? '', VersionIdMarker: page.NextVersionIdMarker ?? '' };
    }
    expect(found).toHaveLength(2 * keys.length + 1);
    expect(new Set(found).size).toBe(found.length);
  });

  test('keeps to its prefix and starts behind a key', async () => {
    const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'a/', StartAfter: 'a/1' }));
    expect(page.Contents?.map(({ Key }) => Key)).toEqual(['a/2']);
    const empty = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'x' }));
    expect([empty.KeyCount, empty.IsTruncated]).toEqual([0, false]);
  });

  test('encodes keys when asked', async () => {
    await put('z/ü +\n', 'x', { Bucket });
    const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'z', EncodingType: 'url' }));
    expect(page.Contents?.[0]?.Key).toBe('z/%C3%BC+%2B%0A');
  });
});

describe('buckets', () => {
  test('are created once, with versions from the start or later', async () => {
    const create = new CreateBucketCommand({ Bucket: 'by-hand' });
    await client.send(create);
    await expect(client.send(create)).rejects.toMatchObject(refusal('BucketAlreadyOwnedByYou', 409));
    const versioning = new GetBucketVersioningCommand({ Bucket: 'by-hand' });
    expect((await client.send(versioning)).Status).toBeUndefined();
    await client.send(
      new PutBucketVersioningCommand({
        Bucket: 'by-hand',
        VersioningConfiguration: { Status: 'Enabled' },
      }),
    );
    expect((await client.send(versioning)).Status).toBe('Enabled');
  });

  test('have names that are no paths', async () => {
    const answer = await fetch(`${server.endpoint}/..%2fescape`, { method: 'PUT' });
    expect([answer.status, (await answer.text()).includes('InvalidBucketName')]).toEqual([400, true]);
  });

  test('refuse what is not there, by name', async () => {
    const answer = await fetch(`${server.endpoint}/versioned/k?tagging`);
    expect([answer.status, (await answer.text()).includes('<Code>NotImplemented</Code>')]).toEqual([
      501,
      true,
    ]);
  });
});

describe('kept in a directory', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'certfleet-s3-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  async function during<Result>(use: (client: S3Client) => Promise<Result>): Promise<Result> {
    const kept = await startS3({ directory });
    kept.createBucket(versioned);
    const own = connect(kept);
    try {
      return await use(own);
    } finally {
      own.destroy();
      await kept.stop();
    }
  }
  const listIn = async (own: S3Client) => {
    const { Versions, DeleteMarkers } = await own.send(
      new ListObjectVersionsCommand({ Bucket: 'versioned' }),
    );
    return { Versions, DeleteMarkers };
  };

  test('objects, versions, markers and locks outlive the server', async () => {
    const object = { Bucket: 'versioned', Key: 'dir/../ü' };
    const until = new Date(Date.now() + 86_400_000);
    const before = await during(async (own) => {
      const lock = { ObjectLockMode: 'COMPLIANCE' as const, ObjectLockRetainUntilDate: until };
      const { VersionId } = await own.send(
        new PutObjectCommand({ ...object, Body: 'one', Metadata: { a: 'b' }, ...lock }),
      );
      await own.send(new PutObjectCommand({ ...object, Body: 'two' }));
      await own.send(new DeleteObjectCommand(object));
      return { VersionId, list: await listIn(own) };
    });
    await during(async (own) => {
      expect(await listIn(own)).toEqual(before.list);
      const found = await own.send(new GetObjectCommand({ ...object, VersionId: before.VersionId }));
      expect([await found.Body?.transformToString(), found.Metadata]).toEqual(['one', { a: 'b' }]);
      const erase = new DeleteObjectCommand({ ...object, VersionId: before.VersionId });
      await expect(own.send(erase)).rejects.toMatchObject(refusal('AccessDenied', 403));
      await own.send(new PutObjectCommand({ ...object, Body: 'three' }));
      const [latest] = (await listIn(own)).Versions ?? [];
      expect(latest).toMatchObject({ IsLatest: true, Size: 5 });
    });
  });

  test('a file that was being written when the process was killed is no version', async () => {
    const bucket = join(directory, 'versioned');
    writeFileSync(join(bucket, '99-0.version.new'), 'half');
    await during(async (own) => {
      expect((await listIn(own)).Versions).toHaveLength(3);
    });
    expect(readdirSync(bucket).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  test('what is erased leaves no file, and files are for their owner alone', async () => {
    const bucket = join(directory, 'versioned');
    const files = () => readdirSync(bucket).filter((name) => name.endsWith('.version'));
    const count = files().length;
    await during(async (own) => {
      const object = { Bucket: 'versioned', Key: 'short-lived' };
      const { VersionId } = await own.send(new PutObjectCommand({ ...object, Body: 'x' }));
      expect(files()).toHaveLength(count + 1);
      await own.send(new DeleteObjectCommand({ ...object, VersionId }));
    });
    expect(files()).toHaveLength(count);
    for (const name of files()) expect(statSync(join(bucket, name)).mode & 0o077).toBe(0);
  });
});

import { addAbortSignal, Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3';
import { listObjectVersions } from './list-versions.s3.ts';
import {
  largestObjectBytes,
  type ObjectStore,
  type ObjectUpload,
  type ObjectVersion,
  type StoredObject,
} from './object-store.ts';
import { changedObject, isAbsence, isLostWrite, translateS3Error } from './s3-errors.s3.ts';
import { refuseTooLarge } from './upload-limit.ts';

/** S3 asks for repetition where two conditional writes meet; its answer to the next is final. */
const conflictAttempts = 4;

/**
 * A client whose calls answer within 60 s (128 MiB take seconds within a region) in 4 attempts, and whose bodies may
 * not stand still for 30 s, be it that S3 sends nothing or that the reader takes nothing.
 */
export const createS3 = (): S3Client =>
  new S3Client({
    maxAttempts: 4,
    requestHandler: {
      requestTimeout: 60_000,
      throwOnRequestTimeout: true,
      connectionTimeout: 2000,
      socketTimeout: 30_000,
    },
  });

/**
 * A versioned bucket of S3. `kmsKey` encrypts every object under that key with a bucket key; without it the bucket's
 * own setting decides. Needs s3:PutObject, for locks s3:PutObjectRetention; s3:GetObject and s3:GetObjectVersion;
 * s3:ListBucket, without which a missing key is `objects-denied`; s3:ListBucketVersions; s3:DeleteObjectVersion.
 * `lastModifiedAt` of a write is when S3 answered it. A write whose answer was lost is sent again and may then find
 * its own object: undefined says no more than that the key is taken.
 */
export function createS3ObjectStore(
  client: Pick<S3Client, 'send'>,
  bucket: string,
  options: { kmsKey?: string | undefined } = {},
): ObjectStore {
  const fail = (error: unknown) => translateS3Error(error, bucket);
  const encryption: Partial<PutObjectCommandInput> =
    options.kmsKey === undefined
      ? {}
      : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: options.kmsKey, BucketKeyEnabled: true };

  async function put(
    upload: ObjectUpload,
    condition: Pick<PutObjectCommandInput, 'IfMatch' | 'IfNoneMatch'>,
  ): Promise<ObjectVersion | undefined> {
    refuseTooLarge(upload);
    const input = { Bucket: bucket, ...inputOf(upload), ...encryption, ...condition };
    for (let attempt = 1; ; attempt++) {
      const { command, answeredAt } = withAnswerTime(new PutObjectCommand(input));
      try {
        const { ETag = '', VersionId = 'null' } = await client.send(command);
        return {
          key: upload.key,
          versionId: VersionId,
          etag: ETag,
          sizeBytes: upload.body.length,
          lastModifiedAt: answeredAt(),
        };
      } catch (error) {
        if (isLostWrite(error, condition)) return undefined;
        const conflicts = error instanceof Error && error.name === 'ConditionalRequestConflict';
        if (!conflicts || attempt === conflictAttempts) throw fail(error);
      }
    }
  }

  return {
    create: (upload) => put(upload, { IfNoneMatch: '*' }),
    replace: (upload, etag) => put(upload, { IfMatch: etag }),
    async head(key) {
      try {
        const answer = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
        return describe(key, answer);
      } catch (error) {
        if (isAbsence(error)) return undefined;
        throw fail(error);
      }
    },
    async read(key, { versionId, signal } = {}) {
      signal?.throwIfAborted();
      const command = new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId });
      let answer: GetObjectCommandOutput;
      try {
        answer = await client.send(command, signal ? { abortSignal: signal } : {});
      } catch (error) {
        signal?.throwIfAborted();
        if (isAbsence(error)) return undefined;
        throw fail(error);
      }
      const object = describe(key, answer);
      const body = answer.Body instanceof Readable ? answer.Body : Readable.from([]);
      return { object, bytes: checkedBytes({ object, body, signal, fail }) };
    },
    listVersions: (prefix) => listObjectVersions(client, { bucket, prefix }),
    async deleteVersion(key, versionId) {
      try {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
      } catch (error) {
        if (!isAbsence(error)) throw fail(error);
      }
    },
  };
}

const inputOf = ({ key, body, contentType, metadata, lockedUntil }: ObjectUpload) => ({
  Key: key,
  Body: body,
  ContentLength: body.length,
  ...(contentType === undefined ? {} : { ContentType: contentType }),
  ...(metadata === undefined ? {} : { Metadata: { ...metadata } }),
  ...(lockedUntil && {
    ObjectLockMode: 'COMPLIANCE' as const,
    ObjectLockRetainUntilDate: lockedUntil,
  }),
});

const describe = (key: string, answer: HeadObjectCommandOutput | GetObjectCommandOutput): StoredObject => ({
  key,
  versionId: answer.VersionId ?? 'null',
  etag: answer.ETag ?? '',
  sizeBytes: answer.ContentLength ?? 0,
  lastModifiedAt: answer.LastModified ?? new Date(0),
  metadata: { ...answer.Metadata },
});

/** PutObject's answer states its time in the Date header alone, which no output carries. */
function withAnswerTime(command: PutObjectCommand): { command: PutObjectCommand; answeredAt(): Date } {
  let date = '';
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Readonly<Record<string, string>> };
      date = headers?.date ?? '';
      return result;
    },
    { step: 'deserialize', priority: 'low' },
  );
  return { command, answeredAt: () => new Date(Number.isNaN(Date.parse(date)) ? 0 : Date.parse(date)) };
}

/** The SDK checks S3's checksum where there is one; the size is checked here. */
async function* checkedBytes(source: {
  object: StoredObject;
  body: Readable;
  signal: AbortSignal | undefined;
  fail: (error: unknown) => Error;
}): AsyncIterable<Uint8Array> {
  const { object, body, signal } = source;
  if (signal) addAbortSignal(signal, body);
  if (object.sizeBytes > largestObjectBytes) {
    body.destroy();
    throw changedObject(object, `has ${object.sizeBytes} bytes, more than this store ever writes`);
  }
  let sizeBytes = 0;
  try {
    for await (const piece of body) {
      sizeBytes += piece.length;
      if (sizeBytes > object.sizeBytes) break;
      yield piece;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (isChecksumMismatch(error)) throw changedObject(object, 'differs from its checksum');
    throw source.fail(error);
  }
  if (sizeBytes !== object.sizeBytes) throw changedObject(object, 'is not of the size S3 announced');
}

const isChecksumMismatch = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('Checksum mismatch');

import { addAbortSignal, Readable } from 'node:stream';
import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { type Disposition, Failure } from '../../runtime/errors.ts';
import { quote } from '../problems.ts';
import { readBody, tooSlow } from './body.ts';
import type { InventorySource, SourceRequest } from './source.ts';

const s3Location = /^s3:\/\/(?<bucket>[^/]+)\/(?<key>.+)$/is;

/** `s3://bucket/key`; the key is taken as written, without URL decoding. Needs `s3:GetObject` on it. */
export const s3Source = (client: S3Client): InventorySource => ({
  async read(location, request) {
    try {
      return await readObject(client, location, request);
    } catch (error) {
      throw translate(error, location, request.signal);
    }
  },
});

async function readObject(client: S3Client, location: string, request: SourceRequest): Promise<string> {
  const { bucket, key } = s3Location.exec(location)?.groups ?? {};
  if (bucket === undefined || key === undefined) throw malformed(location);
  const { maximumBytes, signal } = request;
  const command = new GetObjectCommand({ Bucket: bucket, Key: key });
  const { Body: body } = await client.send(command, { abortSignal: signal });
  if (!(body instanceof Readable)) return '';
  return readBody(addAbortSignal(signal, body), { location, maximumBytes });
}

/** S3's errors that a repetition cannot heal, and what a person has to do about them. */
const remedies: Readonly<Record<string, string>> = {
  NoSuchBucket: 'is in a bucket that does not exist; check its name',
  NoSuchKey: 'does not exist; upload it or check the key',
  AccessDenied: 'may not be read; allow s3:GetObject on the key and s3:ListBucket on the bucket',
  PermanentRedirect: 'is in a bucket of another region; set the region',
};

function translate(error: unknown, location: string, signal: AbortSignal): Failure {
  if (error instanceof Failure) return error;
  if (signal.aborted) return tooSlow(location, error);
  const name = error instanceof Error ? error.name : 'unknown error';
  const remedy = remedies[name];
  const status = error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 0) : 0;
  const refused = remedy !== undefined || (status >= 400 && status < 500 && status !== 429);
  const disposition: Disposition = refused ? 'give-up' : 'retry';
  return new Failure({
    code: name.startsWith('NoSuch') ? 'inventory-missing' : 'inventory-unreadable',
    disposition,
    message: `inventory ${quote(location)} ${remedy ?? `could not be read from S3 (${name})`}`,
    cause: error,
  });
}

const malformed = (location: string): Failure =>
  new Failure({
    code: 'inventory-unreadable',
    disposition: 'give-up',
    message: `inventory ${quote(location)} is not of the form s3://bucket/key`,
  });

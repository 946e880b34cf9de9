import { S3ServiceException } from '@aws-sdk/client-s3';
import { Failure } from '../../runtime/errors.ts';
import { endpointTlsFailure } from '../connections/endpoint-tls.ts';
import type { StoredObject } from './object-store.ts';

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown error');

const statusOf = (error: unknown): number =>
  error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 0) : 0;

/** No object: none of this key, none of this version, or a delete marker (405 where it is asked for by its id). */
export const isAbsence = (error: unknown): boolean =>
  ['NoSuchKey', 'NotFound', 'NoSuchVersion'].includes(nameOf(error)) ||
  (nameOf(error) === 'MethodNotAllowed' && statusOf(error) === 405);

/** The write's condition did not hold: 412, or 404 where `If-Match` finds no object. */
export const isLostWrite = (error: unknown, condition: { readonly IfMatch?: string | undefined }): boolean =>
  nameOf(error) === 'PreconditionFailed' ||
  (condition.IfMatch !== undefined && nameOf(error) === 'NoSuchKey');

/** Refusals that repetition can heal although their status blames the caller. */
const passing: ReadonlySet<string> = new Set([
  'ConditionalRequestConflict',
  'OperationAborted',
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'SlowDown',
]);

/**
 * S3's errors as this store's. Their own text and cause stay behind: S3 repeats keys and headers in them.
 * Answers `objects-denied` for what stays refused until a person changes it, the codes of `tlsFailure` for an endpoint
 * that is not who it should be, `objects-unavailable` for the rest.
 */
export function translateS3Error(error: unknown, bucket: string): Failure {
  if (error instanceof Failure) return error;
  const untrusted = endpointTlsFailure(error, `the endpoint of bucket ${bucket}`);
  if (untrusted) return untrusted;
  const status = statusOf(error);
  const name = nameOf(error);
  const credentials = name === 'CredentialsProviderError';
  const refused = status >= 300 && status < 500 && status !== 429 && status !== 408 && !passing.has(name);
  const described = status === 0 ? name : `${name}, ${status}`;
  return refused || credentials
    ? new Failure({
        code: 'objects-denied',
        disposition: 'give-up',
        message: `bucket ${bucket} refused (${described}); check its name and region, the role, the key's policy, and Object Lock where versions are locked`,
      })
    : new Failure({
        code: 'objects-unavailable',
        disposition: 'retry',
        message: `bucket ${bucket} did not answer as asked (${described}); check the endpoint and the network`,
      });
}

export const changedObject = ({ key, versionId }: StoredObject, what: string): Failure =>
  new Failure({
    code: 'object-changed',
    disposition: 'give-up',
    message: `the object ${JSON.stringify(key)}, version ${versionId}, ${what}; write it anew from its source`,
  });

import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { readS3Absence, readS3Call } from './access/calls/s3.ts';
import type { AccessGuard } from './access/guard.ts';
import {
  type Endpoint,
  type EndpointRequest,
  type EndpointResponse,
  startEndpoint,
} from './http-endpoint.ts';
import { bucketOperations } from './s3/bucket-operations.ts';
import { openBuckets } from './s3/buckets.ts';
import type { S3Context } from './s3/context.ts';
import { objectOperations } from './s3/object-operations.ts';
import { readS3Target } from './s3/operation.ts';
import { errorResponse, notImplemented, S3Error } from './s3/s3-error.ts';
import type { BucketPlan } from './stack-plan.ts';

/** S3 takes 5 GiB at once; nothing here writes as much. */
const bodyLimitBytes = 150 * 1024 * 1024;

const operations = { ...bucketOperations, ...objectOperations };

export interface EmbeddedS3 extends Endpoint {
  /** Creates a bucket, or gives the one that was kept these settings. */
  createBucket(bucket: BucketPlan): void;
}

/**
 * S3 on loopback, path style: versions and delete markers, conditional writes, Object Lock, checksums and listings as
 * the service has them. Encryption is answered back and not done; multipart uploads, copies, tags and policies are not
 * there. Kept in `directory`, or in memory.
 */
export async function startS3(options: {
  directory?: string | undefined;
  clock?: Clock | undefined;
  /** Holds functions to their roles; without it everyone may do everything. */
  guard?: AccessGuard | undefined;
}): Promise<EmbeddedS3> {
  const { guard, clock = systemClock } = options;
  const context: S3Context = { buckets: openBuckets({ directory: options.directory, clock }), clock };
  const tooLarge = new S3Error(
    400,
    'EntityTooLarge',
    'Your proposed upload exceeds the maximum allowed size',
  );
  const endpoint = await startEndpoint({
    bodyLimitBytes,
    tooLarge: errorResponse(tooLarge, { method: 'PUT' }),
    handle: (request) => answer(request, { ...context, guard }),
  });
  return { ...endpoint, createBucket: context.buckets.ensure };
}

async function answer(
  request: EndpointRequest,
  { guard, ...context }: S3Context & { guard: AccessGuard | undefined },
): Promise<EndpointResponse> {
  const caller = guard?.findCaller(request);
  try {
    const refusal = caller && guard?.refuse(caller, readS3Call(request));
    if (refusal !== undefined) throw new S3Error(403, 'AccessDenied', refusal);
    const target = readS3Target(request);
    const operation = target.operation && operations[target.operation];
    if (!operation) throw notImplemented(`${request.method} with these parameters and headers`);
    return await operation({ ...request, target }, context);
  } catch (error) {
    if (!(error instanceof S3Error)) {
      const message = error instanceof Error ? error.message : String(error);
      return errorResponse(new S3Error(500, 'InternalError', message), request);
    }
    // As S3 does, a caller who may not list the bucket is not told that a key is missing.
    const isAbsence = error.code === 'NoSuchKey' || error.code === 'NoSuchVersion';
    const refusal = caller && isAbsence ? guard?.refuse(caller, readS3Absence(request)) : undefined;
    return errorResponse(refusal === undefined ? error : new S3Error(403, 'AccessDenied', refusal), request);
  }
}

import type { EndpointRequest } from '../http-endpoint.ts';
import type { BucketPlan } from '../stack-plan.ts';
import { headerOf } from './context.ts';
import type { ObjectVersion, Retention } from './object-version.ts';
import { S3Error } from './s3-error.ts';

const modeHeader = 'x-amz-object-lock-mode';
const untilHeader = 'x-amz-object-lock-retain-until-date';

/**
 * How long the version of an upload is locked; undefined where it is not. There is no legal hold, and a bucket has no
 * retention of its own.
 * @throws S3Error `InvalidRequest`, `InvalidArgument`
 */
export function readRetention(
  request: EndpointRequest,
  { bucket, now }: { bucket: BucketPlan; now: number },
): Retention | undefined {
  const [mode, until] = [headerOf(request, modeHeader), headerOf(request, untilHeader)];
  if (mode === undefined && until === undefined) return undefined;
  if (!bucket.objectLock) {
    throw new S3Error(400, 'InvalidRequest', 'Bucket is missing Object Lock Configuration');
  }
  if (mode === undefined || until === undefined) {
    const message = `${untilHeader} and ${modeHeader} must both be supplied`;
    throw new S3Error(400, 'InvalidArgument', message);
  }
  if (mode !== 'COMPLIANCE' && mode !== 'GOVERNANCE') {
    throw new S3Error(400, 'InvalidArgument', 'Unknown wormMode directive.');
  }
  const instant = Date.parse(until);
  if (!(instant > now)) {
    throw new S3Error(400, 'InvalidArgument', 'The retain until date must be in the future!');
  }
  return { mode, until: instant };
}

export const retentionHeaders = ({ retention }: ObjectVersion): Record<string, string> =>
  retention ? { [modeHeader]: retention.mode, [untilHeader]: new Date(retention.until).toISOString() } : {};

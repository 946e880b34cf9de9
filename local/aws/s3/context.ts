import type { Clock } from '../../../shared/runtime/clock.ts';
import type { EndpointRequest, EndpointResponse } from '../http-endpoint.ts';
import type { Buckets } from './buckets.ts';
import type { S3Target } from './operation.ts';

/** What an operation of S3 works on. */
export interface S3Context {
  readonly buckets: Buckets;
  readonly clock: Clock;
}

/** @throws S3Error */
export type S3Operation = (
  request: EndpointRequest & { readonly target: S3Target },
  context: S3Context,
) => Promise<EndpointResponse>;

/** A header that was sent once, as a header may. */
export const headerOf = ({ headers }: Pick<EndpointRequest, 'headers'>, name: string): string | undefined =>
  headers[name]?.toString();

import { Failure } from '../../../runtime/errors.ts';
import { endpointTlsFailure } from '../../connections/endpoint-tls.ts';

const throttled = [
  'ThrottlingException',
  'ActiveStatementsExceededException',
  'ActiveSessionsExceededException',
];
const denied = ['AccessDeniedException', 'UnrecognizedClientException', 'ExpiredTokenException'];
const mistaken = ['ValidationException', 'ResourceNotFoundException'];

/** An error of the Redshift Data API, by its name alone, or of the connection to it. */
export function redshiftFailure(error: unknown): Failure {
  const untrusted = endpointTlsFailure(error, 'the endpoint of the Redshift Data API');
  if (untrusted) return untrusted;
  const name = error instanceof Error ? error.name : 'unknown';
  if (throttled.includes(name))
    return new Failure({
      code: 'target-throttled',
      disposition: 'retry-after',
      retryAfterSeconds: 15,
      message: `Redshift runs too many statements at once (${name})`,
    });
  if (denied.includes(name))
    return new Failure({
      code: 'target-denied',
      disposition: 'give-up',
      message: `Redshift refused the role (${name}); it needs redshift-data:BatchExecuteStatement and its like`,
    });
  if (mistaken.includes(name))
    return new Failure({
      code: 'target-refused-request',
      disposition: 'give-up',
      message: `Redshift does not know what was asked for (${name}); check the workgroup, cluster, database and secret`,
    });
  return new Failure({
    code: 'target-unavailable',
    disposition: 'retry',
    message: `Redshift gave no answer (${name}); check the endpoint and the network`,
  });
}

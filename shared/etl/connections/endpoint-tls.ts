import { Failure } from '../../runtime/errors.ts';
import { tlsFailure } from './tls-failure.ts';

/**
 * What no repetition changes about the TLS of a service that an SDK talks to: the codes of `tlsFailure` that are
 * `give-up`; undefined for everything else, a service that is merely away among it. `place` names the service.
 */
export function endpointTlsFailure(error: unknown, place: string): Failure | undefined {
  const found = tlsFailure(error, { host: place, port: 443 });
  if (found?.disposition !== 'give-up') return undefined;
  return new Failure({
    code: found.code,
    disposition: 'give-up',
    message: `no TLS connection to ${place} is to be trusted; check what answers for it: an endpoint URL that was set, a proxy, a DNS entry`,
  });
}

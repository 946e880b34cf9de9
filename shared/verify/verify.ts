import type { CertificatePolicy, IssuedCertificate } from '../certificates/certificate.ts';
import type { Clock } from '../runtime/clock.ts';
import { mapBounded } from '../runtime/concurrency.ts';
import { chooseEndpoints, type Endpoint, nameEndpoint } from './endpoint.ts';
import { type Judgement, judgeObservation } from './judge.ts';
import type { TlsObservation } from './observation.ts';
import { type Probe, probeEndpoint } from './probe.ts';

export interface VerifyRequest {
  readonly policy: Pick<CertificatePolicy, 'domains' | 'endpoints'>;
  readonly certificate: Pick<IssuedCertificate, 'serial' | 'fingerprint'>;
  /** Where all endpoints really are, on one machine; absent: where the DNS says. */
  readonly connectTo?: { readonly host: string; readonly port: number } | undefined;
  /** PEM roots trusted instead of Node's own. */
  readonly roots?: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMillis?: number | undefined;
  /** Endpoints looked at together. */
  readonly concurrency?: number | undefined;
  readonly probe?: Probe | undefined;
}

export interface EndpointVerification {
  /** `host:port`. */
  readonly endpoint: string;
  readonly verdict: Judgement['verdict'];
  /** One per address. */
  readonly addresses: readonly (Judgement & { readonly observation: TlsObservation })[];
}

export interface Verification {
  /** `verified` only if every endpoint is. */
  readonly verdict: Judgement['verdict'];
  readonly endpoints: readonly EndpointVerification[];
  /** The fewest days any served leaf is still valid; absent if none was seen. */
  readonly daysLeft?: number | undefined;
}

/**
 * Looks at every endpoint of a certificate, once; the caller decides when to look again. An address without a
 * route from here does not count against an endpoint of which another address was seen.
 * @throws the signal's reason when it aborts
 */
export async function verifyCertificate(request: VerifyRequest): Promise<Verification> {
  const endpoints = await mapBounded(chooseEndpoints(request.policy), request.concurrency ?? 8, (endpoint) =>
    verifyEndpoint(endpoint, request),
  );
  const days = endpoints.flatMap(({ addresses }) => addresses.flatMap(({ daysLeft }) => daysLeft ?? []));
  return {
    verdict: endpoints.every(({ verdict }) => verdict === 'verified') ? 'verified' : 'failed',
    endpoints,
    ...(days.length === 0 ? {} : { daysLeft: Math.min(...days) }),
  };
}

/** Why a verification failed, one line per finding, for a report. */
export const listFindings = (verification: Verification): readonly string[] =>
  verification.endpoints
    .filter(({ verdict }) => verdict === 'failed')
    .flatMap(({ addresses }) => addresses.flatMap(({ findings }) => findings.map(({ message }) => message)));

async function verifyEndpoint(endpoint: Endpoint, request: VerifyRequest): Promise<EndpointVerification> {
  const { probe = probeEndpoint, timeoutMillis = 10_000, certificate, connectTo, roots, signal } = request;
  const observations = await probe({ ...endpoint, connectTo, roots, timeoutMillis, signal });
  const expected = { serial: certificate.serial, fingerprint: certificate.fingerprint, host: endpoint.host };
  const addresses = observations.map((observation) => ({
    ...judgeObservation(observation, expected, request.clock.now()),
    observation,
  }));
  const counted = addresses.filter(
    ({ observation }) => observation.reached || observation.code !== 'unreachable',
  );
  const verified = counted.length > 0 && counted.every(({ verdict }) => verdict === 'verified');
  return { endpoint: nameEndpoint(endpoint), verdict: verified ? 'verified' : 'failed', addresses };
}

import { randomBytes } from 'node:crypto';
import type { ChallengeType } from '../shared/certificates/certificate.ts';
import type { AnswerStore } from '../shared/challenges/answers.ts';
import { Failure } from '../shared/runtime/errors.ts';
import { startDnsThread } from './dns/thread.ts';
import { type ChallengeHandler, startHttpEndpoint } from './endpoints/http.ts';
import { startTlsEndpoint } from './endpoints/tls.ts';

/** What stands around the fleet on a real network: its name servers, its web servers, its TLS endpoints. */
export interface Neighbourhood {
  /** Where a CA validates; the wanted port even if another program holds it. */
  readonly ports: { readonly http: number; readonly tls: number; readonly dns: number };
  /** Where deployed certificates are served. */
  readonly tlsPort: number;
  /** Where TXT records are updated. */
  readonly dnsPort: number;
  readonly tsig: { readonly keyName: string; readonly secret: string };
  /** Challenge types that cannot be answered, and why. */
  readonly outages: ReadonlyMap<ChallengeType, string>;
  stop(): Promise<void>;
}

export interface NeighbourhoodOptions {
  readonly httpPort?: number | undefined;
  readonly tlsPort?: number | undefined;
  readonly dnsPort?: number | undefined;
  readonly deployDirectory: string;
  readonly answers: Pick<AnswerStore, 'get'>;
  readonly answerChallenge: ChallengeHandler;
}

/**
 * Starts all three on loopback. A wanted port that is taken stops only the challenge type answered there: its
 * server starts on a free port instead, so that the rest of the fleet is still renewed, served and verified.
 */
export async function startNeighbourhood(options: NeighbourhoodOptions): Promise<Neighbourhood> {
  const outages = new Map<ChallengeType, string>();
  const tsig = { keyName: 'certfleet.local', secret: randomBytes(32).toString('base64') };
  const { deployDirectory, answers, answerChallenge: handler } = options;
  const http = await startOrMove(options.httpPort, (port) => startHttpEndpoint({ port, handler }), {
    onTaken: (reason) => outages.set('http-01', reason),
  });
  const tls = await startOrMove(
    options.tlsPort,
    (port) => startTlsEndpoint({ port, deployDirectory, answers }),
    { onTaken: (reason) => outages.set('tls-alpn-01', reason) },
  );
  const dns = await startOrMove(options.dnsPort, (port) => startDnsThread({ port, tsig }), {
    onTaken: (reason) => outages.set('dns-01', reason),
  });
  return {
    ports: {
      http: options.httpPort || http.port,
      tls: options.tlsPort || tls.port,
      dns: options.dnsPort || dns.port,
    },
    tlsPort: tls.port,
    dnsPort: dns.port,
    tsig,
    outages,
    async stop() {
      await Promise.all([http.stop(), tls.stop(), dns.stop()]);
    },
  };
}

async function startOrMove<Server>(
  wantedPort: number | undefined,
  start: (port: number | undefined) => Promise<Server>,
  { onTaken }: { onTaken: (reason: string) => void },
): Promise<Server> {
  try {
    return await start(wantedPort);
  } catch (error) {
    if (!(error instanceof Failure) || !error.code.startsWith('port-')) throw error;
    onTaken(error.message);
    return start(undefined);
  }
}

import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { systemClock } from '../../shared/runtime/clock.ts';
import { Failure } from '../../shared/runtime/errors.ts';
import { systemRandom } from '../../shared/runtime/random.ts';
import { portOf } from '../loopback.ts';
import type { Authority } from './authority.ts';
import type { AcmeCaOptions } from './ca-options.ts';
import { createAuthority } from './create-authority.ts';
import { readIfPresent, writeWhole } from './durable-file.ts';
import type { Faults } from './faults.ts';
import { resumeIssuances } from './finalization.ts';
import { openHierarchy } from './hierarchy.ts';
import { type IssuedLeaf, issueServerIdentity, type LeafRequest } from './issuance.ts';
import type { Ledger } from './ledger.ts';
import { unpause } from './pauses.ts';
import { moveRenewalWindow } from './renewal-info.ts';
import type { RenewalWindow } from './renewal-windows.ts';
import { serve } from './server.ts';
import { openStore } from './store.ts';
import { createUrls } from './urls.ts';

export interface AcmeCa {
  readonly directoryUrl: string;
  /** The one root of everything this CA issues and of its own HTTPS certificate. */
  readonly rootPem: string;
  /** The roots of the other chains, in the order of their links. */
  readonly alternateRootPems: readonly string[];
  readonly ledger: Ledger;
  /** What is to go wrong. */
  readonly faults: Pick<Faults, 'add'>;
  /**
   * Moves the renewal window of a certificate: by serial, or the newest for exactly these names.
   * @throws Failure `no-certificate-to-move`
   */
  moveRenewalWindow(
    certificate: string | readonly string[],
    window: RenewalWindow,
    explanationUrl?: string,
  ): void;
  /** Ends the pauses of the account, or of all; answers how many there were. */
  unpause(accountUrl?: string): number;
  /** Issues without an order, as a CA's operator may: what ACME is not asked for, such as client certificates. */
  issueDirectly(request: LeafRequest): Promise<IssuedLeaf>;
  /** Ends connections and background work; a second call waits for the first. */
  stop(): Promise<void>;
}

/**
 * Starts an ACME CA (RFC 8555) on 127.0.0.1 in the likeness of Let's Encrypt's Boulder. With `dataDir` it takes
 * up what an earlier process left, on the same port where that is still free.
 * @throws Failure `local-ca-in-production`
 */
export async function startAcmeCa(options: AcmeCaOptions): Promise<AcmeCa> {
  refuseProduction(process.env);
  const { clock = systemClock, random = systemRandom, dataDir } = options;
  if (dataDir) mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const hierarchy = await openHierarchy(dataDir && join(dataDir, 'hierarchy.json'), options.alternateRoots);
  const store = openStore(dataDir);
  const server = createServer(await issueServerIdentity(hierarchy.intermediate));
  const urls = createUrls(`https://127.0.0.1:${await listen(server, dataDir && join(dataDir, 'port'))}`);
  const authority = createAuthority({ ...options, clock, random }, { store, urls, hierarchy });
  server.on('request', (incoming, outgoing) => void serve(authority, incoming, outgoing));
  resumeIssuances(authority);
  let stopped: Promise<void> | undefined;
  return {
    directoryUrl: urls.directory,
    rootPem: hierarchy.rootPem,
    alternateRootPems: hierarchy.alternates.map((alternate) => alternate.rootPem),
    ledger: authority.ledger,
    faults: authority.faults,
    moveRenewalWindow: (certificate, window, explanationUrl) =>
      moveRenewalWindow(authority, certificate, { window, explanationUrl }),
    unpause: (accountUrl) => unpause(authority, accountUrl?.split('/').at(-1)),
    issueDirectly: (request) => authority.issuer.issue(request),
    stop() {
      stopped ??= stop(server, authority);
      return stopped;
    },
  };
}

async function stop(server: Server, { background, store }: Authority): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
  await background.stop().finally(() => store.close());
}

function refuseProduction(env: NodeJS.ProcessEnv): void {
  if (env.NODE_ENV !== 'production' && env.AWS_LAMBDA_FUNCTION_NAME === undefined) return;
  throw new Failure({
    code: 'local-ca-in-production',
    disposition: 'give-up',
    message:
      'the local CA is for one machine only and does not start with NODE_ENV=production or in AWS Lambda; ' +
      'set the directory URL of a real CA',
  });
}

/** Listens on the port kept in `path` where it is free, else on any, and keeps the one it got. */
async function listen(server: Server, path: string | undefined): Promise<number> {
  server.requestTimeout = 10_000;
  const wanted = Number((path && readIfPresent(path)) ?? 0);
  try {
    await listenAt(server, wanted);
  } catch (error) {
    if (wanted === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    await listenAt(server, 0);
  }
  if (path) writeWhole(path, String(portOf(server)));
  return portOf(server);
}

async function listenAt(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { Failure } from '../../shared/runtime/errors.ts';
import { type Random, systemRandom } from '../../shared/runtime/random.ts';
import { portOf } from '../loopback.ts';
import type { Authority } from './authority.ts';
import { BackgroundTasks } from './background.ts';
import { reopenInterrupted } from './challenges.ts';
import { readIfPresent, writeWhole } from './durable-file.ts';
import { resumeIssuances } from './finalization.ts';
import { openHierarchy } from './hierarchy.ts';
import { createIssuer, issueServerIdentity } from './issuance.ts';
import { Ledger } from './ledger.ts';
import { Nonces } from './nonces.ts';
import { serve } from './server.ts';
import { openStore } from './store.ts';
import { createUrls } from './urls.ts';
import type { ValidationPorts } from './validation/proof.ts';

export interface AcmeCaOptions extends ValidationPorts {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Share of good nonces refused, 0..1; 0.05 when absent. */
  readonly badNonceRate?: number;
  /** Valid authorizations serve later orders of the same account; true when absent. */
  readonly authorizationReuse?: boolean;
  /** How long an order is `processing`; 200 when absent, 0 issues within the finalize request. */
  readonly finalizeMillis?: number;
  /** MAC keys (base64url) by key id; when given, new accounts need an external binding. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
  /** 90 days when absent. */
  readonly validitySeconds?: number;
  /** Keeps keys, accounts, orders and certificates, so that a later process goes on; memory alone when absent. */
  readonly dataDir?: string;
}

export interface AcmeCa {
  readonly directoryUrl: string;
  /** The one root of everything this CA issues and of its own HTTPS certificate. */
  readonly rootPem: string;
  readonly ledger: Ledger;
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
  const { rootPem, intermediate } = await openHierarchy(dataDir && join(dataDir, 'hierarchy.json'));
  const store = openStore(dataDir);
  const server = createServer(await issueServerIdentity(intermediate));
  const urls = createUrls(`https://127.0.0.1:${await listen(server, dataDir && join(dataDir, 'port'))}`);
  const { httpPort, tlsPort, dnsServer } = options;
  const authority: Authority = {
    clock,
    random,
    store,
    urls,
    nonces: new Nonces({ random, rejectedShare: options.badNonceRate ?? 0.05 }),
    ledger: new Ledger({ store, urls, now: () => clock.now() }),
    issuer: createIssuer({ intermediate, validitySeconds: options.validitySeconds ?? 90 * 86_400 }),
    background: new BackgroundTasks(),
    interrupted: reopenInterrupted(store),
    validation: { httpPort, tlsPort, dnsServer },
    authorizationReuse: options.authorizationReuse ?? true,
    finalizeMillis: options.finalizeMillis ?? 200,
    externalAccounts: options.externalAccounts,
  };
  server.on('request', (incoming, outgoing) => void serve(authority, incoming, outgoing));
  resumeIssuances(authority);
  let stopped: Promise<void> | undefined;
  return {
    directoryUrl: urls.directory,
    rootPem,
    ledger: authority.ledger,
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

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TrackedCertificate } from '../shared/certificates/certificate.ts';
import { type DashboardRow, renderDashboard } from '../shared/report/dashboard.ts';
import type { Clock } from '../shared/runtime/clock.ts';
import { listenOnLoopback } from './endpoints/listen.ts';
import type { Stores } from './stores.ts';

export interface Dashboard {
  readonly url: string;
  stop(): Promise<void>;
}

const shownRows = 500;
const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  refresh: '5',
};

/**
 * A page of the fleet's state on 127.0.0.1, read anew for every request and by itself every five seconds.
 * @throws Failure `port-in-use`
 */
export async function startDashboard(options: {
  readonly port?: number | undefined;
  readonly stores: Pick<Stores, 'certificates' | 'renewals'>;
  readonly clock: Clock;
}): Promise<Dashboard> {
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    answer(request, response, options).catch(() => response.destroy());
  });
  const port = await listenOnLoopback(server, { port: options.port, option: '--port' });
  return {
    url: `http://127.0.0.1:${port}/`,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { stores, clock }: Parameters<typeof startDashboard>[0],
): Promise<void> {
  // A page of another origin may point a name of its own at 127.0.0.1; its Host header tells.
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  if (host !== '127.0.0.1' && host !== 'localhost') return void response.writeHead(421).end();
  if (request.method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end();
  if (request.url !== '/') return void response.writeHead(404).end();
  const tracked = (await Array.fromAsync(stores.certificates.list())).filter(
    ({ state }) => state === 'tracked',
  );
  const rows = await Promise.all(
    tracked.slice(0, shownRows).map((certificate) => toRow(certificate, stores)),
  );
  const moreRows = Math.max(0, tracked.length - shownRows);
  response.writeHead(200, headers);
  response.end(renderDashboard({ title: 'certfleet on this machine', now: clock.now(), rows, moreRows }));
}

async function toRow(
  certificate: TrackedCertificate,
  { renewals }: Pick<Stores, 'renewals'>,
): Promise<DashboardRow> {
  const { name, policy, generation, current, nextActionAt } = certificate;
  const newest = generation > 0 ? await renewals.get({ certificateName: name, generation }) : undefined;
  const open = newest && !newest.outcome ? newest : undefined;
  return {
    name,
    domains: policy.domains,
    challenge: policy.challenge,
    notAfter: current?.notAfter,
    nextActionAt: open?.nextActionAt ?? nextActionAt,
    renewal: open && { step: open.step, problem: open.lastProblem?.message },
  };
}

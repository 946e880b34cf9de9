import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { type Clock, secondsAfter } from '../../shared/runtime/clock.ts';
import { listenOnLoopback } from '../endpoints/listen.ts';
import type { OrderBook } from './order-book.ts';

export interface ExampleApiOptions {
  /** What the API shows, leaf first. */
  readonly serverPair: { readonly privateKeyPem: string; readonly fullchainPem: string };
  /** PEM of the roots whose client certificates are let in. */
  readonly clientRoots: string;
  readonly apiKey: string;
  readonly orders: OrderBook;
  readonly clock: Clock;
}

/** A request as it was answered; without its query and its key. */
export interface AnsweredRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Common name of the client's certificate. */
  readonly client: string;
}

export interface ExampleApi {
  /** On 127.0.0.1. */
  readonly port: number;
  /** The newest last; at most 1,000. */
  readonly requests: readonly AnsweredRequest[];
  stop(): Promise<void>;
}

const ordersPath = '/v2/orders';
const mostPerPage = 500;
const keptRequests = 1_000;

/**
 * The shop's API on loopback, over mutual TLS alone: GET /v2/orders?since=&until=&cursor=&limit= with X-Api-Key. Of
 * every period the second request is turned away once with 429 and Retry-After: 1, as busy APIs do. A period without
 * an end is over with the last whole minute, and one without a beginning lasts an hour.
 */
export async function startExampleApi(options: ExampleApiOptions): Promise<ExampleApi> {
  const { serverPair, clientRoots } = options;
  const requests: AnsweredRequest[] = [];
  const throttle = createThrottle();
  const server = createServer(
    {
      key: serverPair.privateKeyPem,
      cert: serverPair.fullchainPem,
      ca: clientRoots,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      requestTimeout: 10_000,
    },
    (request, response) => {
      const url = new URL(request.url ?? '/', 'https://api.shop.example.com');
      const answer = decide(request, url, { ...options, throttle });
      const method = request.method ?? '';
      requests.push({ method, path: url.pathname, status: answer.status, client: clientOf(request) });
      requests.splice(0, requests.length - keptRequests);
      send(request, response, answer);
    },
  );
  // A client that works on a page for a while finds its connection still there.
  server.keepAliveTimeout = 60_000;
  // Clients that are refused are the point of the exercise, not trouble.
  server.on('tlsClientError', () => undefined);
  const port = await listenOnLoopback(server, { option: 'the example API' });
  return { port, requests, stop: () => stop(server) };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const refusal = (status: number, error: string, headers?: Readonly<Record<string, string>>): Answer => ({
  status,
  body: { error },
  ...(headers && { headers }),
});

function decide(
  { method, headers }: IncomingMessage,
  { pathname, searchParams }: URL,
  { apiKey, orders, clock, throttle }: ExampleApiOptions & { throttle: Throttle },
): Answer {
  if (pathname !== ordersPath) return refusal(404, 'not_found');
  if (method !== 'GET') return refusal(405, 'method_not_allowed', { allow: 'GET' });
  if (headers['x-api-key'] !== apiKey) return refusal(401, 'unauthorized');
  const to = readInstant(searchParams.get('until') ?? lastMinute(clock));
  const from = to && readInstant(searchParams.get('since') ?? hourBefore(to));
  const limit = Number(searchParams.get('limit') ?? mostPerPage);
  if (!from || !to || from > to)
    return refusal(400, 'since and until are instants (RFC 3339), in this order');
  if (!Number.isInteger(limit) || limit < 1) return refusal(400, 'limit is a number from 1 to 500');
  if (throttle.turnsAway(`${from.getTime()} ${to.getTime()}`))
    return refusal(429, 'busy', { 'retry-after': '1' });
  const cursor = searchParams.get('cursor') ?? undefined;
  const page = orders.page({ from, to }, { limit: Math.min(limit, mostPerPage), cursor });
  if (!page) return refusal(400, 'unknown cursor');
  const items = page.orders.map(({ record }) => record);
  return { status: 200, body: { data: { items, next: page.next ?? null } } };
}

/** Whole minutes, so that the pages of one reading are nearly always of one period. */
const lastMinute = (clock: Clock): string => `${clock.now().toISOString().slice(0, 16)}:00Z`;
const hourBefore = (instant: Date): string => secondsAfter(instant, -3600).toISOString();

function readInstant(text: string): Date | undefined {
  const instant = new Date(text);
  return Number.isNaN(instant.getTime()) ? undefined : instant;
}

interface Throttle {
  turnsAway(period: string): boolean;
}

function createThrottle(): Throttle {
  const counts = new Map<string, number>();
  return {
    turnsAway(period) {
      const count = (counts.get(period) ?? 0) + 1;
      if (counts.size > keptRequests) counts.clear();
      counts.set(period, count);
      return count === 2;
    },
  };
}

function send(request: IncomingMessage, response: ServerResponse, { status, body, headers }: Answer): void {
  const text = Buffer.from(JSON.stringify(body));
  const zipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const payload = zipped ? gzipSync(text) : text;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': payload.length,
    ...(zipped && { 'content-encoding': 'gzip' }),
    ...headers,
  });
  response.end(payload);
}

const clientOf = ({ socket }: IncomingMessage): string => {
  const commonName = (socket as TLSSocket).getPeerCertificate().subject?.CN;
  return Array.isArray(commonName) ? commonName.join(' ') : (commonName ?? '');
};

async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { startTlsPeer, type TlsPeerServer } from '../../../support/tls-peers.ts';

export interface Order {
  readonly id: string;
  readonly at: string;
  readonly email: string;
}

/** Orders a minute apart from 10:00 on; the first ten are dated an hour before. */
export function makeOrders(count: number): Order[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `ORD-${String(index).padStart(5, '0')}`,
    at: new Date(Date.UTC(2026, 10, 22, index < 10 ? 9 : 10, index % 60)).toISOString(),
    email: `planted-${index}@values.example.com`,
  }));
}

export interface OrdersApi {
  readonly server: TlsPeerServer;
  readonly url: string;
  /** Path and query of what was asked, in order. */
  readonly asked: string[];
  /** Heads of what was asked. */
  readonly headers: IncomingMessage['headers'][];
}

export interface ApiShape {
  readonly orders: readonly Order[];
  readonly pageSize: number;
  readonly pagination: 'none' | 'page' | 'cursor' | 'link';
  readonly format: 'json' | 'ndjson' | 'csv';
  readonly gzip?: true;
}

export const apiHost = 'api.shop.example.com';

/** The shop's API over mutual TLS: it narrows by `since` alone, so what ends the window is left to the client. */
export async function startOrdersApi(shape: ApiShape): Promise<OrdersApi> {
  const asked: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const server = await startTlsPeer('client-required', {
    host: apiHost,
    onRequest: (request, response) => {
      asked.push(request.url ?? '');
      headers.push(request.headers);
      answerOrders(new URL(request.url ?? '/', `https://${apiHost}`), response, shape);
    },
  });
  return { server, url: `https://${apiHost}/v2/orders`, asked, headers };
}

function answerOrders(url: URL, response: ServerResponse, shape: ApiShape): void {
  const since = url.searchParams.get('since') ?? '';
  const all = shape.orders.filter(({ at }) => at >= since);
  const size = shape.pagination === 'none' ? all.length : shape.pageSize;
  const parameter = shape.pagination === 'page' ? 'page' : 'after';
  const number = Number(url.searchParams.get(parameter) ?? (shape.pagination === 'page' ? 1 : 0));
  const start = shape.pagination === 'page' ? (number - 1) * size : number;
  const rows = all.slice(start, start + size);
  const next = start + size < all.length && shape.pagination !== 'none' ? start + size : undefined;
  if (shape.pagination === 'link' && next !== undefined) {
    const target = new URLSearchParams({ since, after: String(next) });
    response.setHeader('Link', `</v2/orders?${target}>; rel="next", </v2/orders>; rel=first`);
  }
  const body = Buffer.from(textOf(rows, next, shape));
  if (shape.gzip) response.setHeader('Content-Encoding', 'gzip');
  const sent = shape.gzip ? gzipSync(body) : body;
  response.setHeader('Content-Length', sent.length);
  response.end(sent);
}

function textOf(rows: readonly Order[], next: number | undefined, { format }: ApiShape): string {
  if (format === 'ndjson') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  if (format === 'csv') {
    return ['id,at,email', ...rows.map(({ id, at, email }) => `${id},${at},"${email}"`)].join('\r\n');
  }
  return JSON.stringify({ meta: { total: rows.length }, data: { items: rows, next: next ?? null } });
}

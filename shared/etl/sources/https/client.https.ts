import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions } from 'node:https';
import { Failure } from '../../../runtime/errors.ts';
import { tlsFailure } from '../../connections/tls-failure.ts';
import { addressOf, tlsOptionsFor } from '../../connections/tls-options.ts';
import type { TlsPeer } from '../../connections/tls-peer.ts';
import { type BodyLimits, readBody } from './body.https.ts';
import { type ExchangeLimits, exchange } from './exchange.https.ts';
import type { AnswerHead } from './judge-status.ts';

export interface HttpsLimits extends ExchangeLimits, BodyLimits {
  readonly headerBytes: number;
}

export const defaultHttpsLimits: HttpsLimits = {
  connectMillis: 10_000,
  answerMillis: 60_000,
  idleMillis: 60_000,
  bodyMillis: 300_000,
  bodyBytes: 10 * 1024 * 1024 * 1024,
  headerBytes: 32 * 1024,
};

export interface HttpsRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
}

export interface HttpsAnswer extends AnswerHead {
  /** Has neither a length nor chunks, so that one that was cut off looks whole (RFC 9112 section 8). */
  readonly isUnframed: boolean;
  /** May be read once; leaving it early ends the connection. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the connection instead of reading the body. */
  discard(): void;
}

/** HTTPS to one peer over a few kept-alive connections. */
export interface HttpsClient {
  /**
   * Resolves with any status, once the head is there. Rejects with the failures of `tlsFailure`, and `peer-timeout`,
   * `source-timeout`, `source-unavailable` (retry), `source-answer-broken` (retry: no HTTP),
   * `source-header-too-large` (give-up); with the signal's reason where it aborts.
   */
  send(request: HttpsRequest): Promise<HttpsAnswer>;
  close(): void;
}

export function createHttpsClient(peer: TlsPeer, limits: HttpsLimits): HttpsClient {
  // Without resumed sessions every connection shows its certificate, which is then compared with the checked one.
  const agent = new Agent({ ...tlsOptionsFor(peer), keepAlive: true, maxSockets: 4, maxCachedSessions: 0 });
  const translate = (error: unknown, signal: AbortSignal) => translateError(error, { peer, signal });
  return {
    async send({ url, method, headers, body, signal }) {
      signal.throwIfAborted();
      const { host, port } = addressOf(peer);
      const options: RequestOptions = {
        agent,
        host,
        port,
        method,
        signal,
        path: url.pathname + url.search,
        headers: { ...headers, host: url.host },
        maxHeaderSize: limits.headerBytes,
      };
      try {
        const response = await exchange({ peer, options, body, limits });
        return {
          status: response.statusCode ?? 0,
          headers: response.headers as HttpsAnswer['headers'],
          isUnframed: isUnframed(response),
          body: readBody(response, { limits, translate: (error) => translate(error, signal) }),
          discard: () => response.destroy(),
        };
      } catch (error) {
        throw translate(error, signal);
      }
    },
    close: () => agent.destroy(),
  };
}

function isUnframed({ headers, statusCode }: IncomingMessage): boolean {
  const isChunked = /\bchunked\b/i.test(headers['transfer-encoding'] ?? '');
  return statusCode !== 204 && headers['content-length'] === undefined && !isChunked;
}

/** Never with the error as cause: errors of the HTTP parser hold what was received. */
function translateError(error: unknown, { peer, signal }: { peer: TlsPeer; signal: AbortSignal }): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof Failure) return error;
  const translated = tlsFailure(error, peer);
  if (translated) return translated;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const place = `the server at ${peer.host}:${peer.port}`;
  const fail = (failureCode: string, disposition: 'retry' | 'give-up', what: string) =>
    new Failure({ code: failureCode, disposition, message: `${place} ${what}` });
  if (code === 'HPE_HEADER_OVERFLOW') {
    return fail('source-header-too-large', 'give-up', 'sends more header than is read; have it send less');
  }
  if (code.startsWith('HPE_')) return fail('source-answer-broken', 'retry', `sends no valid HTTP (${code})`);
  const named = /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? ` (${code})` : '';
  return fail('source-unavailable', 'retry', `broke the connection${named}; the request is repeated later`);
}

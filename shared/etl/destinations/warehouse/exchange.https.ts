import type { IncomingMessage } from 'node:http';
import { Agent, request as startRequest } from 'node:https';
import { Failure } from '../../../runtime/errors.ts';
import { tlsFailure } from '../../connections/tls-failure.ts';
import { addressOf, tlsOptionsFor } from '../../connections/tls-options.ts';
import type { TlsPeer } from '../../connections/tls-peer.ts';

/** A statement's answer is a few rows, a job's a few kilobytes. */
const largestAnswerBytes = 4 * 1024 * 1024;

export interface HttpsRequest {
  readonly method: 'GET' | 'POST';
  /** With its query; never part of a message. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly timeoutMillis: number;
  readonly signal: AbortSignal;
}

export interface HttpsAnswer {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  /** undefined where the body is no JSON. */
  readonly json: unknown;
}

export interface HttpsExchange {
  /**
   * Any status is an answer. @throws Failure those of tlsFailure, `target-unavailable` (retry),
   * `target-answer-too-large` (give-up); the signal's reason
   */
  send(request: HttpsRequest): Promise<HttpsAnswer>;
  close(): void;
}

/** Requests to one checked peer, over connections that are kept; redirects are answers, not followed. */
export function createHttpsExchange(peer: TlsPeer): HttpsExchange {
  // A resumed session shows no certificate that could be compared with the checked one.
  const agent = new Agent({ ...tlsOptionsFor(peer), keepAlive: true, maxSockets: 4, maxCachedSessions: 0 });
  return {
    async send(request) {
      const timeout = AbortSignal.timeout(request.timeoutMillis);
      const signal = AbortSignal.any([request.signal, timeout]);
      try {
        return await exchange(peer, agent, { ...request, signal });
      } catch (error) {
        request.signal.throwIfAborted();
        if (error instanceof Failure) throw error;
        throw (
          tlsFailure(error, peer) ??
          unavailable(peer, timeout.aborted ? 'no answer in time' : 'no connection')
        );
      }
    },
    close: () => agent.destroy(),
  };
}

async function exchange(peer: TlsPeer, agent: Agent, { method, path, headers, body, signal }: HttpsRequest) {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = startRequest({
      ...addressOf(peer),
      agent,
      method,
      path,
      signal,
      headers: {
        Host: peer.port === 443 ? peer.host : `${peer.host}:${peer.port}`,
        Accept: 'application/json',
        'User-Agent': 'certfleet',
        ...headers,
        ...(body ? { 'Content-Length': String(body.length) } : {}),
      },
    });
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end(body);
  });
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > largestAnswerBytes) throw tooLarge(peer);
    pieces.push(piece);
  }
  const retryAfter = Number(answer.headers['retry-after'] ?? Number.NaN);
  return {
    status: answer.statusCode ?? 0,
    retryAfterSeconds: retryAfter >= 0 ? Math.ceil(retryAfter) : undefined,
    json: parseJson(Buffer.concat(pieces).toString('utf8')),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// No cause: what node:https throws may hold the path.
const unavailable = (peer: TlsPeer, why: string) =>
  new Failure({
    code: 'target-unavailable',
    disposition: 'retry',
    message: `${peer.host}:${peer.port} gave no answer (${why})`,
  });

const tooLarge = (peer: TlsPeer) =>
  new Failure({
    code: 'target-answer-too-large',
    disposition: 'give-up',
    message: `${peer.host}:${peer.port} answered more than ${largestAnswerBytes} bytes to a statement that has a few rows`,
  });

import type AcmeApi from 'acme-client/src/api.js';
import type HttpClient from 'acme-client/src/http.js';
import type { HttpResponse } from 'acme-client/src/http.js';
import type { Clock } from '../runtime/clock.ts';
import { Failure } from '../runtime/errors.ts';
import type { NoncePool } from './nonces.ts';
import { AcmeFailure, parseRetryAfter, readProblem } from './problem.ts';
import type { AcmeTransport } from './transport.ts';

const readRetryMillis = [250, 1000, 4000] as const;

interface HttpWiring {
  readonly nonces: NoncePool;
  readonly send: AcmeTransport;
  readonly directory: () => Promise<Record<string, unknown>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Sends through `send`, takes nonces from the pool, and answers a rejected nonce with a fresh one and a fresh
 * signature until the signal ends it. acme-client itself asks for a nonce per request and gives up after five.
 */
export function rewireHttp(http: HttpClient, { nonces, send, directory, clock, signal }: HttpWiring): void {
  http.request = async (url, method, { data } = {}) => {
    const response = await send({
      url,
      method: method.toUpperCase() as 'GET' | 'HEAD' | 'POST',
      body: data === undefined ? undefined : JSON.stringify(data),
    });
    const nonce = response.headers['replay-nonce'];
    if (nonce) nonces.add(nonce);
    return response as HttpResponse;
  };
  http.getDirectory = directory;
  http.getNonce = async () => {
    const pooled = nonces.take();
    if (pooled) return pooled;
    // GET, not HEAD: Node closes a connection after a HEAD response without Content-Length.
    const url = await http.getResourceUrl('newNonce');
    const response = await http.request(url, 'get');
    if (response.status >= 400) throw readRefusal(response, url, clock);
    const fresh = nonces.take();
    if (fresh) return fresh;
    throw new Failure({
      code: 'ca-protocol',
      disposition: 'retry',
      message: 'the CA answered new-nonce without a Replay-Nonce header',
    });
  };
  http.maxBadNonceRetries = 0;
  const signOnce = http.signedRequest.bind(http);
  http.signedRequest = async (url, payload, signing) => {
    for (let refusals = 0; ; refusals++) {
      const response = await nonces.inTurn(() => signOnce(url, payload, signing));
      const rejectedNonce = response.status === 400 && readProblem(400, response.data).type === 'badNonce';
      if (!rejectedNonce) return response;
      // The first few refusals are chance; a CA that goes on refusing is not to be hammered.
      await clock.sleep(refusals < 3 ? 0 : Math.min(1000, 25 * 2 ** refusals), signal);
    }
  };
}

type ApiWiring = {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onAccountMissing?: ((accountUrl: string) => Promise<void>) | undefined;
};

/** Refusals become AcmeFailure; reads are repeated on server and network errors, writes never. */
export function rewireApi(
  api: AcmeApi,
  http: HttpClient,
  { clock, onAccountMissing, signal }: ApiWiring,
): void {
  api.apiRequest = async (url, payload = null, validStatusCodes = [], signing = {}) => {
    const { includeJwsKid = true, includeExternalAccountBinding = false } = signing;
    const kid = includeJwsKid ? api.accountUrl : null;
    const send = async () => {
      const response = await http.signedRequest(url, payload, { kid, includeExternalAccountBinding });
      if (validStatusCodes.includes(response.status)) return response;
      const refusal = readRefusal(response, url, clock);
      if (refusal.problem.type === 'accountDoesNotExist') await onAccountMissing?.(api.accountUrl ?? '');
      throw refusal;
    };
    // Only POST-as-GET (RFC 8555, 6.3) is free of effects.
    if (payload !== null) return send();
    return repeatRead(send, { clock, signal });
  };
}

function readRefusal({ status, headers, data }: HttpResponse, url: string, clock: Clock): AcmeFailure {
  return new AcmeFailure(readProblem(status, data), {
    resource: new URL(url).pathname,
    retryAfterSeconds: parseRetryAfter(headers['retry-after'], clock.now()),
  });
}

async function repeatRead<T>(
  read: () => Promise<T>,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
) {
  for (const pauseMillis of readRetryMillis) {
    try {
      return await read();
    } catch (error) {
      const serverError = error instanceof AcmeFailure && error.problem.status >= 500;
      const networkError = error instanceof Failure && error.code === 'ca-unreachable';
      if (!(serverError || networkError) || (error as Failure).retryAfterSeconds !== undefined) throw error;
      await clock.sleep(pauseMillis, signal);
    }
  }
  return read();
}

/** @throws Failure `ca-protocol` where the URL is no directory (RFC 8555, 7.1.1) */
export async function readDirectory(
  http: HttpClient,
  { directoryUrl, clock }: { readonly directoryUrl: string; readonly clock: Clock },
): Promise<Record<string, unknown>> {
  const response = await http.request(directoryUrl, 'get');
  const { status, data } = response;
  if (status === 200 && typeof data === 'object' && data !== null && 'newOrder' in data) return data;
  if (status === 429 || status >= 500) throw readRefusal(response, directoryUrl, clock);
  throw new Failure({
    code: 'ca-protocol',
    disposition: 'retry',
    message: `${directoryUrl} is not an ACME directory (status ${status}, no newOrder); check the directory URL`,
  });
}

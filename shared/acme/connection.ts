import AcmeApi from 'acme-client/src/api.js';
import HttpClient, { type HttpResponse } from 'acme-client/src/http.js';
import type { Clock } from '../runtime/clock.ts';
import { NoncePool } from './nonces.ts';
import { parseRetryAfter } from './problem.ts';
import { readDirectory, rewireApi, rewireHttp } from './rewiring.ts';
import { jwkThumbprint } from './thumbprint.ts';
import type { AcmeTransport } from './transport.ts';

export interface ExternalAccount {
  readonly kid: string;
  /** base64url, as the CA hands it out. */
  readonly hmacKey: string;
}

export interface ConnectionOptions {
  readonly directoryUrl: string;
  readonly accountKeyPem: string;
  readonly accountUrl?: string | undefined;
  readonly externalAccount?: ExternalAccount | undefined;
  readonly transport: AcmeTransport;
  readonly clock: Clock;
  /** The CA does not know the account any more. */
  readonly onAccountMissing?: ((accountUrl: string) => Promise<void>) | undefined;
}

/** The signed requests of one piece of work; they end with its signal. */
export interface AcmeSession {
  readonly api: AcmeApi;
  /** `token.thumbprint` (RFC 8555, 8.1). */
  keyAuthorization(token: string): string;
  /** Fields of the directory's `meta` (RFC 8555, 7.1.1). */
  meta(): Promise<Readonly<Record<string, unknown>>>;
  /** Retry-After of a response, in seconds. */
  retryAfterSeconds(response: HttpResponse): number | undefined;
}

export interface AcmeConnection {
  readonly directoryUrl: string;
  readonly accountUrl: string | undefined;
  session(signal: AbortSignal): AcmeSession;
}

/**
 * One account at one CA, shared by every session of the process: the directory is fetched once, nonces are
 * pooled, connections kept. A rejected nonce is answered with a fresh nonce and a fresh signature until the
 * session's signal ends it; reads are repeated on server and network errors, writes never. Refusals are
 * AcmeFailure, network errors `ca-unreachable` or `ca-untrusted`.
 */
export function connect(options: ConnectionOptions): AcmeConnection {
  const nonces = new NoncePool();
  let directory: Promise<Record<string, unknown>> | undefined;
  const accountKey = Buffer.from(options.accountKeyPem);
  const thumbprint = { value: '' };

  return {
    directoryUrl: options.directoryUrl,
    accountUrl: options.accountUrl,
    session(signal) {
      const http = new HttpClient(options.directoryUrl, accountKey, options.externalAccount ?? {});
      rewireHttp(http, {
        nonces,
        send: (request) => options.transport({ ...request, signal }),
        directory: () => {
          directory ??= readDirectory(http, options).catch((error) => {
            directory = undefined;
            throw error;
          });
          return directory;
        },
        clock: options.clock,
        signal,
      });
      const api = new AcmeApi(http, options.accountUrl ?? null);
      rewireApi(api, http, { ...options, signal });
      return {
        api,
        keyAuthorization: (token) => {
          thumbprint.value ||= jwkThumbprint(http.getJwk());
          return `${token}.${thumbprint.value}`;
        },
        meta: async () => ((await http.getDirectory()).meta ?? {}) as Record<string, unknown>,
        retryAfterSeconds: (response) =>
          parseRetryAfter(response.headers['retry-after'], options.clock.now()),
      };
    },
  };
}

import type { Clock } from '../runtime/clock.ts';
import type { Failure } from '../runtime/errors.ts';
import type { AccountSigner } from './account-key.ts';
import { TypedApi } from './api.ts';
import { findAuthority } from './catalogue.ts';
import type { Endpoint } from './directory.ts';
import type { ExternalAccount } from './external-account.ts';
import { AcmeHttp, type HttpWiring } from './http.ts';
import { NoncePool } from './nonces.ts';
import { type AcmeFailure, parseRetryAfter } from './problem.ts';
import { jwkThumbprint } from './thumbprint.ts';
import type { AcmeResponse, AcmeTransport } from './transport.ts';

export interface OpenConnectionOptions {
  readonly directoryUrl: string;
  readonly transport: AcmeTransport;
  readonly clock: Clock;
  /** Waits, before each request, until the CA's limit of requests per second has room. */
  readonly pace?: ((endpoint: Endpoint, signal: AbortSignal) => Promise<void>) | undefined;
}

export interface ConnectionOptions extends OpenConnectionOptions {
  readonly signer: AccountSigner;
  readonly accountUrl?: string | undefined;
  readonly externalAccount?: ExternalAccount | undefined;
  /** Hears of every refusal, and answers the failure to throw. */
  readonly onRefusal?: ((refusal: AcmeFailure) => Promise<Failure>) | undefined;
}

/** What a CA answers to anybody; requests end with the session's signal. */
export interface OpenSession {
  /** Fields of the directory's `meta` (RFC 8555, 7.1.1). */
  meta(): Promise<Readonly<Record<string, unknown>>>;
  /** A resource of the directory. @throws Failure `ca-protocol` where it has none */
  resourceUrl(name: string): Promise<string>;
  /** Where renewal information is asked for (RFC 9773, 4); undefined: this CA has none. */
  renewalInfoUrl(): Promise<string | undefined>;
  /** An unsigned GET without a nonce; answers success or throws AcmeFailure. */
  getOpen(url: string): Promise<AcmeResponse>;
  /** Retry-After of a response, in seconds. */
  retryAfterSeconds(response: AcmeResponse): number | undefined;
}

/** The signed requests of one piece of work. */
export interface AcmeSession extends OpenSession {
  readonly api: TypedApi;
  /** `token.thumbprint` (RFC 8555, 8.1). */
  keyAuthorization(token: string): string;
}

export interface OpenConnection {
  readonly directoryUrl: string;
  session(signal: AbortSignal): OpenSession;
}

export interface AcmeConnection {
  readonly directoryUrl: string;
  readonly accountUrl: string | undefined;
  session(signal: AbortSignal): AcmeSession;
}

/** For what needs no account, like renewal information: no key is read. */
export function connectWithoutAccount(options: OpenConnectionOptions): OpenConnection {
  const wiring = wire(options);
  return {
    directoryUrl: options.directoryUrl,
    session: (signal) => openSession(new AcmeHttp(wiring, signal), options.clock),
  };
}

/**
 * One account at one CA, shared by every session of the process: the directory is fetched once, nonces are
 * pooled, connections kept. A rejected nonce is answered with a fresh nonce and a fresh signature until the
 * session's signal ends it; reads are repeated, writes never. Refusals are AcmeFailure, network errors
 * `ca-unreachable` or `ca-untrusted`, a URL on a foreign host `ca-url-refused`.
 */
export async function connect(options: ConnectionOptions): Promise<AcmeConnection> {
  const wiring = wire(options);
  const thumbprint = jwkThumbprint(await options.signer.jwk());
  return {
    directoryUrl: options.directoryUrl,
    accountUrl: options.accountUrl,
    session(signal) {
      const http = new AcmeHttp(wiring, signal);
      return {
        ...openSession(http, options.clock),
        api: new TypedApi({ ...options, http, signal }),
        keyAuthorization: (token) => `${token}.${thumbprint}`,
      };
    },
  };
}

const wire = ({ directoryUrl, transport, clock, pace }: OpenConnectionOptions): HttpWiring => ({
  scope: { directoryUrl, hosts: findAuthority(directoryUrl).hosts },
  transport,
  clock,
  pace,
  nonces: new NoncePool(),
  known: {},
});

const openSession = (http: AcmeHttp, clock: Clock): OpenSession => ({
  meta: async () => ((await http.getDirectory()).meta ?? {}) as Record<string, unknown>,
  resourceUrl: (name) => http.getResourceUrl(name),
  renewalInfoUrl: async () => {
    const { renewalInfo } = await http.getDirectory();
    return typeof renewalInfo === 'string' ? renewalInfo : undefined;
  },
  getOpen: (url) => http.getOpen(url),
  retryAfterSeconds: (response) => parseRetryAfter(response.headers['retry-after'], clock.now()),
});

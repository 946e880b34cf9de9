import { Agent, type RequestOptions, request } from 'node:https';
import { createSecureContext, rootCertificates } from 'node:tls';
import { Failure } from '../runtime/errors.ts';

export interface AcmeResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Parsed where the CA declared JSON, else text. */
  readonly data: unknown;
  /** The connection broke and the request was sent again: the CA may have seen it twice. */
  readonly resent?: true;
}

export interface AcmeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type AcmeTransport = (request: AcmeRequest) => Promise<AcmeResponse>;

export interface TransportOptions {
  /** PEM roots trusted beside Node's own, for a private CA. */
  readonly roots?: string | undefined;
  readonly timeoutMillis?: number | undefined;
  readonly maxBodyBytes?: number | undefined;
  readonly userAgent?: string | undefined;
}

/**
 * HTTPS to one CA over kept-alive connections. Redirects are not followed; a response over `maxBodyBytes`
 * (1 MiB) or later than `timeoutMillis` (20 s) is a `ca-unreachable` failure, as is every network error.
 */
export function createTransport(options: TransportOptions = {}): AcmeTransport {
  const { timeoutMillis = 20_000, maxBodyBytes = 1 << 20, userAgent = 'certfleet/0.1' } = options;
  const { roots } = options;
  // Made once: a list of roots given to the agent would be parsed again for every connection.
  const trust = roots ? { secureContext: createSecureContext({ ca: [...rootCertificates, roots] }) } : {};
  const agent = new Agent({ keepAlive: true, maxSockets: 32, ...trust });
  return async ({ method, url, body, signal }) => {
    const timeout = AbortSignal.timeout(timeoutMillis);
    try {
      return await exchange({
        url,
        body,
        maxBodyBytes,
        options: {
          agent,
          method,
          signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
          headers: {
            'User-Agent': userAgent,
            ...(body === undefined
              ? {}
              : { 'Content-Type': 'application/jose+json', 'Content-Length': Buffer.byteLength(body) }),
          },
        },
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw unreachable({ url, timedOut: timeout.aborted, timeoutMillis, cause: error });
    }
  };
}

function exchange(call: {
  url: string;
  body: string | undefined;
  maxBodyBytes: number;
  options: RequestOptions;
}) {
  return new Promise<AcmeResponse>((resolve, reject) => {
    const outgoing = request(call.url, call.options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size <= call.maxBodyBytes) return;
        reject(new Error(`body over ${call.maxBodyBytes} bytes`));
        outgoing.destroy();
      });
      response.on('error', reject);
      response.on('end', () => {
        const headers = response.headers as Record<string, string | undefined>;
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: response.statusCode ?? 0,
          headers,
          data: parseBody(text, headers['content-type']),
        });
      });
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The server had closed this kept connection before it saw the request, as after a Lambda's freeze.
      const stale = outgoing.reusedSocket && error.code === 'ECONNRESET';
      if (stale) exchange(call).then((response) => resolve({ ...response, resent: true }), reject);
      else reject(error);
    });
    outgoing.end(call.body);
  });
}

function parseBody(text: string, contentType = ''): unknown {
  if (!/[/+]json\b/i.test(contentType)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function unreachable(details: {
  url: string;
  timedOut: boolean;
  timeoutMillis: number;
  cause: unknown;
}): Failure {
  const { cause } = details;
  const host = URL.canParse(details.url) ? new URL(details.url).host : details.url;
  const code = (cause as { code?: string }).code ?? '';
  const untrusted = /SELF_SIGNED|UNABLE_TO_|CERT_|ERR_TLS/.test(code);
  const what = details.timedOut
    ? `no answer within ${details.timeoutMillis / 1000} s`
    : [code, cause instanceof Error ? cause.message : ''].filter(Boolean).join(': ');
  return new Failure({
    code: untrusted ? 'ca-untrusted' : 'ca-unreachable',
    disposition: 'retry',
    message: untrusted
      ? `the CA at ${host} shows a certificate that is not trusted here (${what}); name its root with --ca-roots or ACME_CA_ROOTS`
      : `the CA at ${host} cannot be reached (${what}); check the directory URL and the network`,
    cause,
  });
}

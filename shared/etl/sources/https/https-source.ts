import type { Clock } from '../../../runtime/clock.ts';
import { Failure } from '../../../runtime/errors.ts';
import type { Random } from '../../../runtime/random.ts';
import type { TlsPeer } from '../../connections/tls-peer.ts';
import { type RecordLimits, recordLimits } from '../../records/limits.ts';
import type { Source } from '../source.ts';
import type { PagePorts } from './ask-page.ts';
import { createAuthorizer } from './authorizer.ts';
import { createHttpsClient, defaultHttpsLimits, type HttpsLimits } from './client.https.ts';
import { checkPagination, firstPlace, type HttpsDefinition } from './pagination.ts';
import { parseCheckpoint } from './place.ts';
import { readPages } from './read-pages.ts';
import { requestHeaders } from './request-headers.ts';
import { readSpan } from './span.ts';

export interface HttpsSourceOptions {
  readonly definition: HttpsDefinition;
  /** The definition's host, checked. */
  readonly peer: TlsPeer;
  /** The token endpoint's, checked; for OAuth alone. */
  readonly tokenPeer?: TlsPeer | undefined;
  /** The text of the secret that `definition.auth` names: key, token or client secret. */
  readonly secret?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits?: HttpsSourceLimits | undefined;
}

export interface HttpsSourceLimits {
  readonly records?: Partial<RecordLimits> | undefined;
  readonly https?: Partial<HttpsLimits> | undefined;
  /** Of one page's text where there are pages, by default 64 MiB; without pages `records.totalBytes` counts. */
  readonly pageBytes?: number | undefined;
}

const usualPageBytes = 64 * 1024 * 1024;

/**
 * An HTTPS API as a source: one slice for each window, since where a page ends is known only once it was read.
 * Reading goes on after whole pages. The window is asked for by the watermark's parameters, and records outside of
 * it are left out whatever the API answers; without a watermark everything is read each time. For failures see
 * `judgeStatus`, `HttpsClient`, `readPage`, `PageLoop`, `nextPlace`, `requestToken` and `parseCheckpoint`.
 * @throws Failure `source-credential-invalid`, `source-header-refused`, `pagination-unsupported` (give-up), and
 * `peer-mismatch` (bug)
 */
export function createHttpsSource(options: HttpsSourceOptions): Source {
  const { definition, peer, tokenPeer, secret, clock, random } = options;
  checkPagination(definition);
  checkPeer(definition.url, peer);
  if (definition.auth?.type === 'oauth-client-credentials' && tokenPeer) {
    checkPeer(definition.auth.tokenUrl, tokenPeer);
  }
  const limits = recordLimits(options.limits?.records);
  const pageBytes = definition.pagination ? (options.limits?.pageBytes ?? usualPageBytes) : limits.totalBytes;
  const httpsLimits = { ...defaultHttpsLimits, bodyBytes: pageBytes, ...options.limits?.https };
  const headers = requestHeaders(definition);
  const tokenClient = tokenPeer && createHttpsClient(tokenPeer, httpsLimits);
  const authorizer = createAuthorizer({ auth: definition.auth, secret, tokenClient, clock });
  const client = createHttpsClient(peer, httpsLimits);
  const ports: PagePorts = { client, authorizer, headers, clock, random };
  const first = firstPlace(definition);
  const { origin, pathname } = new URL(definition.url);
  return {
    description: origin + pathname,
    async plan({ from, to }, signal) {
      signal.throwIfAborted();
      return [{ kind: 'range', from: from.toISOString(), to: to.toISOString() }];
    },
    read({ chunkId, slice, checkpoint, signal }) {
      const span = readSpan(slice, definition);
      const start =
        checkpoint === undefined ? { place: first, ordinal: 0 } : parseCheckpoint(checkpoint, first.kind);
      return readPages({ chunkId, definition, ports, span, start, limits, pageBytes, signal });
    },
    async close() {
      client.close();
      tokenClient?.close();
    },
  };
}

/** Credentials go to nobody but whom they are for, however the ends of a pipeline were wired. */
function checkPeer(url: string, { host }: TlsPeer): void {
  const { hostname, host: place } = new URL(url);
  if (hostname.replace(/^\[|\]$/g, '') === host.toLowerCase()) return;
  const message = `the checked peer ${host} is not the host of ${place}`;
  throw new Failure({ code: 'peer-mismatch', disposition: 'bug', message });
}

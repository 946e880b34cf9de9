import type { HttpResponse } from 'acme-client/src/http.js';
import { Failure } from '../runtime/errors.ts';
import type { AcmeSession } from './connection.ts';
import { AcmeFailure, type Problem, readProblem, whileKnown } from './problem.ts';

export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';

/** An order object (RFC 8555, 7.1.3) with its URL. */
export interface Order {
  readonly url: string;
  readonly status: OrderStatus;
  readonly domains: readonly string[];
  readonly authorizationUrls: readonly string[];
  readonly finalizeUrl: string;
  readonly certificateUrl?: string | undefined;
  readonly problem?: Problem | undefined;
  /** The CA's wish for the next poll. */
  readonly retryAfterSeconds?: number | undefined;
}

/** newOrder (RFC 8555, 7.4). The CA may answer with an open order for the same names. */
export async function placeOrder(session: AcmeSession, domains: readonly string[]): Promise<Order> {
  const identifiers = domains.map((value) => ({ type: 'dns', value }));
  const response = await session.api.createOrder({ identifiers });
  const url = response.headers.location;
  if (!url) throw brokenOrder('newOrder was answered without a Location header');
  return readOrder(session, url, response);
}

/** The order as it stands now (POST-as-GET). A gone order is `order-missing`. */
export const fetchOrder = async (session: AcmeSession, url: string): Promise<Order> =>
  readOrder(session, url, await whileKnown(session.api.getOrder(url), url));

/**
 * Finalize (RFC 8555, 7.4) with a PKCS#10 request. `orderNotReady` is no failure here: the answer is the order
 * itself, since a finalize whose response was lost leaves it processing or valid.
 */
export async function finalizeOrder(
  session: AcmeSession,
  order: { url: string; finalizeUrl: string },
  csrPem: string,
) {
  const csr = Buffer.from(csrPem.replace(/-----[^-]+-----|\s/g, ''), 'base64').toString('base64url');
  try {
    return readOrder(session, order.url, await session.api.finalizeOrder(order.finalizeUrl, { csr }));
  } catch (error) {
    if (error instanceof AcmeFailure && error.problem.type === 'orderNotReady')
      return fetchOrder(session, order.url);
    throw error;
  }
}

/** The chain as PEM, leaf first (RFC 8555, 7.4.2). */
export async function downloadChain(session: AcmeSession, certificateUrl: string): Promise<string> {
  const { data } = await session.api.apiRequest(certificateUrl, null, [200]);
  if (typeof data === 'string' && data.includes('-----BEGIN CERTIFICATE-----')) return data;
  throw brokenOrder('the certificate URL was not answered with a PEM chain');
}

function readOrder(session: AcmeSession, url: string, response: HttpResponse): Order {
  const { status, identifiers, authorizations, finalize, certificate, error } = response.data ?? {};
  if (typeof status !== 'string' || typeof finalize !== 'string' || !Array.isArray(authorizations)) {
    throw brokenOrder('an order lacks status, finalize or authorizations');
  }
  return {
    url,
    status: status as OrderStatus,
    domains: (Array.isArray(identifiers) ? identifiers : []).map((identifier) => String(identifier?.value)),
    authorizationUrls: authorizations.map(String),
    finalizeUrl: finalize,
    certificateUrl: typeof certificate === 'string' ? certificate : undefined,
    problem: error ? readProblem(Number(error.status) || 400, error) : undefined,
    retryAfterSeconds: session.retryAfterSeconds(response),
  };
}

const brokenOrder = (message: string) => new Failure({ code: 'ca-protocol', disposition: 'retry', message });

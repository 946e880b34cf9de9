import { Failure } from '../runtime/errors.ts';
import type { AcmeSession } from './connection.ts';
import { readName, toIdentifier } from './identifier.ts';
import { AcmeFailure, type Problem, readProblem, whileKnown } from './problem.ts';
import type { AcmeResponse } from './transport.ts';

export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';

/** An order object (RFC 8555, 7.1.3) with its URL. */
export interface Order {
  readonly url: string;
  readonly status: OrderStatus;
  /** Names as `canonicalName` has them. */
  readonly domains: readonly string[];
  readonly authorizationUrls: readonly string[];
  readonly finalizeUrl: string;
  readonly certificateUrl?: string | undefined;
  /** The profile the CA took (draft-ietf-acme-profiles); absent where it knows none. */
  readonly profile?: string | undefined;
  /** The certificate identifier the CA accepted as replaced (RFC 9773, 5). */
  readonly replaces?: string | undefined;
  readonly expiresAt?: Date | undefined;
  readonly problem?: Problem | undefined;
  /** The CA's wish for the next poll. */
  readonly retryAfterSeconds?: number | undefined;
}

export interface OrderRequest {
  /** Host names, wildcards and IP addresses. */
  readonly domains: readonly string[];
  readonly profile?: string | undefined;
  /** ARI identifier of the certificate to be replaced; left out where the CA has no renewal information. */
  readonly replaces?: string | undefined;
  /** The wished end, for CAs whose catalogue row says `choosesLifetime`. */
  readonly notAfter?: Date | undefined;
}

/**
 * newOrder (RFC 8555, 7.4). The CA may answer with an open order for the same names, whose `replaces` may differ.
 * @throws Failure `acme-invalidProfile` where the directory does not list the profile
 */
export async function placeOrder(session: AcmeSession, request: OrderRequest): Promise<Order> {
  const { profile, replaces, notAfter } = request;
  if (profile !== undefined) await requireProfile(session, profile);
  // A CA that does not know the field need not be tolerant of it (RFC 9773, 5).
  const replaceable = replaces !== undefined && (await session.renewalInfoUrl()) !== undefined;
  const response = await session.api.createOrder({
    identifiers: request.domains.map(toIdentifier),
    ...(profile === undefined ? {} : { profile }),
    ...(replaceable ? { replaces } : {}),
    ...(notAfter === undefined ? {} : { notAfter: notAfter.toISOString() }),
  });
  const url = response.headers.location;
  if (!url) throw brokenOrder('newOrder was answered without a Location header');
  return readOrder(session, url, response);
}

async function requireProfile(session: AcmeSession, profile: string): Promise<void> {
  const offered = Object.keys(((await session.meta()).profiles ?? {}) as object);
  if (offered.includes(profile)) return;
  throw new Failure({
    // As the CA itself would say.
    code: 'acme-invalidProfile',
    disposition: 'give-up',
    message: `the CA does not offer the profile "${profile}" but ${offered.join(', ') || 'none at all'}; change the inventory's profile`,
  });
}

/** The order as it stands now (POST-as-GET). A gone order is `order-missing`. */
export const fetchOrder = async (session: AcmeSession, url: string): Promise<Order> =>
  readOrder(session, url, await whileKnown(session.api.getOrder(url), url));

/**
 * Finalize (RFC 8555, 7.4) with a PKCS#10 request. `orderNotReady` is no failure here and is answered with
 * undefined: the order may still be pending, and one whose finalize was answered into the void is beyond ready.
 */
export async function finalizeOrder(
  session: AcmeSession,
  order: { url: string; finalizeUrl: string },
  csrPem: string,
): Promise<Order | undefined> {
  const csr = Buffer.from(csrPem.replace(/-----[^-]+-----|\s/g, ''), 'base64').toString('base64url');
  try {
    return readOrder(session, order.url, await session.api.finalizeOrder(order.finalizeUrl, { csr }));
  } catch (error) {
    if (error instanceof AcmeFailure && error.problem.type === 'orderNotReady') return undefined;
    throw error;
  }
}

function readOrder(session: AcmeSession, url: string, response: AcmeResponse): Order {
  const order = (response.data ?? {}) as Record<string, unknown>;
  const { status, identifiers, authorizations, finalize } = order;
  if (typeof status !== 'string' || typeof finalize !== 'string' || !Array.isArray(authorizations)) {
    throw brokenOrder('an order lacks status, finalize or authorizations');
  }
  return {
    url,
    status: status as OrderStatus,
    domains: (Array.isArray(identifiers) ? identifiers : []).map((each) => readName(each) ?? 'unnamed'),
    authorizationUrls: authorizations.map(String),
    finalizeUrl: finalize,
    certificateUrl: readText(order.certificate),
    profile: readText(order.profile),
    replaces: readText(order.replaces),
    expiresAt: readInstant(order.expires),
    problem: readOrderProblem(order.error),
    retryAfterSeconds: session.retryAfterSeconds(response),
  };
}

const readText = (value: unknown) => (typeof value === 'string' ? value : undefined);

function readInstant(value: unknown): Date | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : new Date(at);
}

const readOrderProblem = (error: unknown): Problem | undefined =>
  error ? readProblem(Number((error as { status?: unknown }).status) || 400, error) : undefined;

const brokenOrder = (message: string) => new Failure({ code: 'ca-protocol', disposition: 'retry', message });

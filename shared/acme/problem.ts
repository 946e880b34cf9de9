import { type Disposition, Failure } from '../runtime/errors.ts';
import { readName } from './identifier.ts';
import type { AcmeResponse } from './transport.ts';

/** A problem document (RFC 8555, 6.7 over RFC 7807), reduced to what is acted on. */
export interface Problem {
  /** The registered token after `urn:ietf:params:acme:error:`, or `http-<status>` where the CA sent none. */
  readonly type: string;
  readonly status: number;
  readonly detail: string;
  readonly subproblems: readonly { readonly identifier?: string | undefined; readonly detail: string }[];
}

/** A refusal by the CA, typed by its problem document. */
export class AcmeFailure extends Failure {
  readonly problem: Problem;

  constructor(problem: Problem, context: { resource: string; retryAfterSeconds?: number | undefined }) {
    super({
      code: isPause(problem, context.retryAfterSeconds) ? 'acme-paused' : `acme-${problem.type}`,
      disposition: classifyProblem(problem, context.retryAfterSeconds),
      message: `the CA refused ${context.resource}: ${describeProblem(problem)}`,
      retryAfterSeconds: context.retryAfterSeconds,
    });
    this.name = 'AcmeFailure';
    this.problem = problem;
  }
}

// Types whose repetition cannot help until names, account or configuration change (RFC 8555, 6.7; for
// invalidProfile draft-ietf-acme-profiles). alreadyReplaced (RFC 9773, 7.4) is not among them: the same order
// without `replaces` is taken.
const finalTypes = new Set([
  'alreadyRevoked',
  'badCSR',
  'badPublicKey',
  'badRevocationReason',
  'badSignatureAlgorithm',
  'caa',
  'externalAccountRequired',
  'invalidContact',
  'invalidProfile',
  'malformed',
  'rejectedIdentifier',
  'unauthorized',
  'unsupportedContact',
  'unsupportedIdentifier',
  'userActionRequired',
]);

/** What a problem asks of the caller; `retryAfterSeconds` is the response's Retry-After where it had one. */
export function classifyProblem(problem: Problem, retryAfterSeconds: number | undefined): Disposition {
  if (retryAfterSeconds !== undefined) return 'retry-after';
  if (finalTypes.has(problem.type) || isPause(problem, retryAfterSeconds)) return 'give-up';
  return 'retry';
}

/**
 * Whether the CA has paused the account for a name that kept failing: a rateLimited that names no time, since
 * only a person's visit to the URL in its detail ends it (Boulder, wfe2/wfe.go).
 */
export const isPause = (problem: Problem, retryAfterSeconds: number | undefined): boolean =>
  problem.type === 'rateLimited' &&
  retryAfterSeconds === undefined &&
  /\b(temporarily prevented|paused)\b/i.test(problem.detail);

/** A refusal as it is told: the problem, the path it came from, and Retry-After as seconds from `now`. */
export function readRefusal(response: AcmeResponse, url: string, now: Date): AcmeFailure {
  return new AcmeFailure(readProblem(response.status, response.data), {
    resource: new URL(url).pathname,
    retryAfterSeconds: parseRetryAfter(response.headers['retry-after'], now),
  });
}

/**
 * The answer for a resource of an order. A CA forgets orders and authorizations that expired and answers 404;
 * that ends the order, not the renewal.
 * @throws Failure `order-missing`
 */
export async function whileKnown<T>(request: Promise<T>, url: string): Promise<T> {
  try {
    return await request;
  } catch (error) {
    if (!(error instanceof AcmeFailure) || error.problem.status !== 404) throw error;
    throw new Failure({
      code: 'order-missing',
      disposition: 'retry',
      message: `the CA no longer knows ${url}; a new order is placed`,
      cause: error,
    });
  }
}

/** Long enough for the URL that ends a pause, which carries a signed list of names. */
const detailCharacters = 4000;

/** Reads a problem from an error response whatever the CA, or a proxy before it, put in the body. */
export function readProblem(status: number, body: unknown): Problem {
  const document = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const { type, detail, subproblems } = document;
  return {
    type: typeof type === 'string' ? (type.split(':').at(-1) ?? type) : `http-${status}`,
    status,
    detail:
      typeof detail === 'string' ? hideProofs(detail.slice(0, detailCharacters)) : `HTTP status ${status}`,
    subproblems: Array.isArray(subproblems) ? subproblems.slice(0, 100).map(readSubproblem) : [],
  };
}

function readSubproblem(entry: unknown): Problem['subproblems'][number] {
  const { detail, identifier } = (entry ?? {}) as { detail?: unknown; identifier?: unknown };
  return {
    detail: typeof detail === 'string' ? hideProofs(detail.slice(0, 500)) : 'no detail',
    identifier: readName(identifier),
  };
}

/** CAs quote the key authorization they expected; URLs, like the one that ends a pause, stay whole. */
const hideProofs = (text: string): string =>
  text
    .split(/(https?:\/\/\S+)/)
    .map((part, index) =>
      index % 2 ? part : part.replace(/[\w-]{16,}\.[\w-]{43}(?![\w-])/g, '(a key authorization)'),
    )
    .join('');

export function describeProblem(problem: Problem): string {
  const parts = problem.subproblems.map((sub) => `${sub.identifier ?? 'unnamed'}: ${sub.detail}`);
  return [`${problem.detail} (${problem.type})`, ...parts].join('; ');
}

/**
 * Retry-After as seconds from `now`: delta-seconds or an HTTP date (RFC 9110, 10.2.3); undefined when absent
 * or unreadable, never negative.
 */
export function parseRetryAfter(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now.getTime()) / 1000));
}

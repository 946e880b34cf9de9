import { type Disposition, Failure } from '../runtime/errors.ts';

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
      code: `acme-${problem.type}`,
      disposition: classifyProblem(problem, context.retryAfterSeconds),
      message: `the CA refused ${context.resource}: ${describeProblem(problem)}`,
      retryAfterSeconds: context.retryAfterSeconds,
    });
    this.name = 'AcmeFailure';
    this.problem = problem;
  }
}

// Types whose repetition cannot help until names, account or configuration change (RFC 8555, 6.7).
const finalTypes = new Set([
  'badCSR',
  'badPublicKey',
  'externalAccountRequired',
  'invalidContact',
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
  if (finalTypes.has(problem.type)) return 'give-up';
  return 'retry';
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

/** Reads a problem from an error response whatever the CA, or a proxy before it, put in the body. */
export function readProblem(status: number, body: unknown): Problem {
  const document = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const { type, detail, subproblems } = document;
  return {
    type: typeof type === 'string' ? (type.split(':').at(-1) ?? type) : `http-${status}`,
    status,
    detail: typeof detail === 'string' ? detail.slice(0, 1000) : `HTTP status ${status}`,
    subproblems: Array.isArray(subproblems) ? subproblems.slice(0, 100).map(readSubproblem) : [],
  };
}

function readSubproblem(entry: unknown): Problem['subproblems'][number] {
  const { detail, identifier } = (entry ?? {}) as { detail?: unknown; identifier?: { value?: unknown } };
  return {
    detail: typeof detail === 'string' ? detail.slice(0, 500) : 'no detail',
    identifier: typeof identifier?.value === 'string' ? identifier.value : undefined,
  };
}

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

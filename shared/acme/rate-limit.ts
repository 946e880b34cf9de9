import type { Problem } from './problem.ts';

/** Which of a CA's limits a refusal speaks of. */
export type RateLimitName =
  | 'orders'
  | 'domain'
  | 'set'
  | 'failed-authorizations'
  | 'accounts'
  | 'requests'
  | 'unknown';

/** In the order they are tried; the words are those of Boulder (ratelimits/limiter.go, wfe2/wfe.go). */
const wordings: readonly (readonly [RateLimitName, RegExp])[] = [
  ['accounts', /\bnew registrations\b/i],
  [
    'failed-authorizations',
    /\bfailed authorizations\b|\btemporarily prevented from requesting\b|\bpaused\b/i,
  ],
  ['set', /\bexact set of (identifiers|domains)\b/i],
  ['domain', /\bcertificates\b.*\balready issued\b/i],
  ['orders', /\bnew orders\b/i],
  ['requests', /\bservice busy\b|\brequests? (in|per|limit)\b|\brate limit for\b|\btoo many requests\b/i],
];

/**
 * Reads from a refusal which limit was hit and the names it speaks of: those of its subproblems, else the ones
 * quoted in its detail. A busy server (503) is over its requests per second whatever it says.
 */
export function describeRateLimit(problem: Problem): {
  readonly limit: RateLimitName;
  readonly names: readonly string[];
} {
  const named = wordings.find(([, wording]) => wording.test(problem.detail))?.[0];
  const limit = named ?? (problem.status === 503 ? 'requests' : 'unknown');
  const identifiers = problem.subproblems.flatMap(({ identifier }) => identifier ?? []);
  return { limit, names: identifiers.length > 0 ? identifiers : readQuotedNames(problem.detail) };
}

const readQuotedNames = (detail: string): readonly string[] => {
  const quoted = [...detail.matchAll(/"([^"\s]{1,253})"/g)].map(([, name = '']) => name.toLowerCase());
  const paused = /\bcertificates for (\S+?)(?:[.,]?\s|$)/.exec(detail)?.[1];
  return [...new Set(quoted.length > 0 || !paused ? quoted : [paused.toLowerCase()])];
};

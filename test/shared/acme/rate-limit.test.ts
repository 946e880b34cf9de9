import { describe, expect, it } from 'vitest';
import { AcmeFailure, readProblem } from '../../../shared/acme/problem.ts';
import { describeRateLimit } from '../../../shared/acme/rate-limit.ts';

const rateLimited = (detail: string, more: object = {}) =>
  readProblem(429, { type: 'urn:ietf:params:acme:error:rateLimited', detail, ...more });

const retry = 'retry after 2026-11-21 15:04:05 UTC: see https://letsencrypt.org/docs/rate-limits/';

describe('a rate limit', () => {
  it.each([
    ['accounts', 'too many new registrations (10) from this IP address in the last 3h0m0s', []],
    [
      'accounts',
      'too many new registrations (500) from this /48 subnet of IPv6 addresses in the last 3h0m0s',
      [],
    ],
    ['orders', 'too many new orders (300) from this account in the last 3h0m0s', []],
    [
      'failed-authorizations',
      'too many failed authorizations (5) for "a.example.com" in the last 1h0m0s',
      ['a.example.com'],
    ],
    [
      'domain',
      'too many certificates (50) already issued for "Example.com" in the last 168h0m0s',
      ['example.com'],
    ],
    [
      'set',
      'too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s',
      [],
    ],
    ['set', 'too many certificates (5) already issued for this exact set of domains: a.example.com', []],
    ['requests', '30 requests in 60 seconds for your project, try again in 12.4s', []],
    ['requests', 'Service busy; retry later.', []],
    ['unknown', 'come back another time', []],
  ])('of kind %s is read from %j', (limit, detail, names) => {
    expect(describeRateLimit(rateLimited(`${detail}, ${retry}`))).toEqual({ limit, names });
  });

  it('names the identifiers of its subproblems', () => {
    const subproblems = ['b.example.com', 'c.example.com'].map((value) => ({
      detail: 'too many',
      identifier: { type: 'dns', value },
    }));
    const problem = rateLimited('too many failed authorizations (5) for 2 names', { subproblems });
    expect(describeRateLimit(problem).names).toEqual(['b.example.com', 'c.example.com']);
  });

  it('of a server that is busy counts against its requests, whatever the body', () => {
    expect(describeRateLimit(readProblem(503, '<html>')).limit).toBe('requests');
  });
});

describe('a pause', () => {
  const url = `https://portal.letsencrypt.org/sfe/v1/unpause?jwt=${'h'.repeat(40)}.${'p'.repeat(1500)}.${'s'.repeat(43)}`;
  const problem = rateLimited(
    `Your account is temporarily prevented from requesting certificates for dead.example.com and possibly others. Please visit: ${url}`,
  );

  it('needs a person, and its message keeps the URL to visit', () => {
    const failure = new AcmeFailure(problem, { resource: '/new-order' });
    expect(failure).toMatchObject({ code: 'acme-paused', disposition: 'give-up' });
    expect(failure.message).toContain(url);
    expect(describeRateLimit(problem)).toEqual({
      limit: 'failed-authorizations',
      names: ['dead.example.com'],
    });
  });

  it('is none where the CA says when to come back', () => {
    const failure = new AcmeFailure(problem, { resource: '/new-order', retryAfterSeconds: 60 });
    expect(failure).toMatchObject({ code: 'acme-rateLimited', disposition: 'retry-after' });
  });
});

import { describe, expect, it } from 'vitest';
import { AcmeFailure, classifyProblem, parseRetryAfter, readProblem } from '../../../shared/acme/problem.ts';
import { noon } from '../../support/builders.ts';

describe('a problem document', () => {
  it('is read with its subproblems', () => {
    const problem = readProblem(403, {
      type: 'urn:ietf:params:acme:error:rejectedIdentifier',
      detail: 'some names are refused',
      subproblems: [{ type: 'x', detail: 'forbidden', identifier: { type: 'dns', value: 'a.example.com' } }],
    });
    expect(problem).toEqual({
      type: 'rejectedIdentifier',
      status: 403,
      detail: 'some names are refused',
      subproblems: [{ detail: 'forbidden', identifier: 'a.example.com' }],
    });
    expect(new AcmeFailure(problem, { resource: '/order' }).message).toBe(
      'the CA refused /order: some names are refused (rejectedIdentifier); a.example.com: forbidden',
    );
  });

  it('keeps URLs and hides proofs that are quoted in it', () => {
    const proof = `${'t'.repeat(43)}.${'k'.repeat(43)}`;
    const { detail } = readProblem(403, {
      detail: `Expected "${proof}" (got "${proof}"); see https://ca.example/why?x=${proof}`,
    });
    expect(detail).toBe(
      `Expected "(a key authorization)" (got "(a key authorization)"); see https://ca.example/why?x=${proof}`,
    );
  });

  it.each([undefined, null, '', '<html>busy</html>', 7, [], { detail: 4, subproblems: 'no' }])(
    'is made up where the body is %j',
    (body) => {
      expect(readProblem(503, body)).toEqual({
        type: 'http-503',
        status: 503,
        detail: 'HTTP status 503',
        subproblems: [],
      });
    },
  );

  it.each([
    ['malformed', undefined, 'give-up'],
    ['unauthorized', undefined, 'give-up'],
    ['serverInternal', undefined, 'retry'],
    ['rateLimited', 120, 'retry-after'],
    ['rateLimited', undefined, 'retry'],
    ['alreadyReplaced', undefined, 'retry'],
    ['orderNotReady', undefined, 'retry'],
    ['connection', undefined, 'retry'],
    ['caa', undefined, 'give-up'],
    ['invalidProfile', undefined, 'give-up'],
    ['rejectedIdentifier', undefined, 'give-up'],
    ['badCSR', undefined, 'give-up'],
    ['badSignatureAlgorithm', undefined, 'give-up'],
    ['somethingNew', undefined, 'retry'],
  ])('of type %s with Retry-After %s is to be met with %s', (type, retryAfterSeconds, disposition) => {
    const problem = { type, status: 400, detail: '', subproblems: [] };
    expect(classifyProblem(problem, retryAfterSeconds)).toBe(disposition);
  });
});

it.each([
  ['120', 120],
  ['0', 0],
  ['Sat, 21 Nov 2026 12:02:00 GMT', 120],
  ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After %j means %j seconds', (header, seconds) => {
  expect(parseRetryAfter(header, noon)).toBe(seconds);
});

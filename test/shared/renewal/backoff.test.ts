import { expect, it } from 'vitest';
import { decideRetryAt } from '../../../shared/renewal/backoff.ts';
import { Failure } from '../../../shared/runtime/errors.ts';
import { noon } from '../../support/builders.ts';

const failure = (retryAfterSeconds?: number) =>
  new Failure({ code: 'x', disposition: 'retry', message: 'x', retryAfterSeconds });
const secondsUntil = (attempts: number, random: number, retryAfterSeconds?: number) =>
  (decideRetryAt(failure(retryAfterSeconds), { attempts, now: noon, random: () => random }).getTime() -
    noon.getTime()) /
  1000;

it.each([
  [1, 60],
  [2, 600],
  [3, 6000],
  [4, 86_400],
  [40, 86_400],
])('after failure %i waits %i seconds', (attempts, seconds) => {
  expect(secondsUntil(attempts, 0.5)).toBeCloseTo(seconds);
});

it('spreads a fleet that failed together by a fifth to both sides', () => {
  expect(secondsUntil(1, 0)).toBeCloseTo(48);
  expect(secondsUntil(1, 1)).toBeCloseTo(72);
});

it('never comes back before the CA said', () => {
  expect(secondsUntil(1, 0.5, 3600)).toBe(3600);
  expect(secondsUntil(3, 0.5, 1)).toBeCloseTo(6000);
});

it('tries what only a person can mend once a day from the start', () => {
  const refused = new Failure({ code: 'x', disposition: 'give-up', message: 'x' });
  const retryAt = decideRetryAt(refused, { attempts: 1, now: noon, random: () => 0.5 });
  expect(retryAt.getTime() - noon.getTime()).toBe(86_400_000);
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectWithoutAccount } from '../../../shared/acme/connection.ts';
import { AcmeFailure, readProblem } from '../../../shared/acme/problem.ts';
import {
  chooseRenewalInstant,
  decideNextPollAt,
  fetchRenewalInfo,
  isInsideWindow,
} from '../../../shared/acme/renewal-info.ts';
import { Failure } from '../../../shared/runtime/errors.ts';
import { daysAfter, noon } from '../../support/builders.ts';
import { aProblem, createFakeCa, directory, directoryUrl } from './fake-ca.ts';

const id = 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE';
const path = `/renewal-info/${id}`;
const start = '2026-11-24T00:00:00Z';
const end = '2026-11-25T12:00:00.5+02:00';
const { signal } = new AbortController();

describe('renewal information', () => {
  it('is asked for without account, key or nonce', async () => {
    const data = { suggestedWindow: { start, end }, explanationURL: 'https://ca.example/why' };
    const ca = createFakeCa({ [path]: { data, headers: { 'retry-after': '21600' } } });
    const session = connectWithoutAccount({ directoryUrl, ...ca }).session(signal);
    expect(await fetchRenewalInfo(session, id)).toEqual({
      window: { start: new Date(start), end: new Date('2026-11-25T10:00:00.500Z') },
      explanationUrl: 'https://ca.example/why',
      retryAfterSeconds: 21_600,
    });
    expect(ca.paths()).toEqual(['/directory', path]);
    expect(ca.sent.map(({ method }) => method)).toEqual(['GET', 'GET']);
  });

  it.each([['javascript:alert(1)'], ['nonsense'], [7], [`https://ca.example/${'x'.repeat(3000)}`]])(
    'shows nobody the explanation %j',
    async (explanationURL) => {
      const ca = createFakeCa({ [path]: { data: { suggestedWindow: { start, end }, explanationURL } } });
      expect((await fetchRenewalInfo(await ca.session(), id)).explanationUrl).toBeUndefined();
    },
  );

  it.each([
    ['text', '<html>'],
    ['nothing', {}],
    ['a reversed window', { suggestedWindow: { start: end, end: start } }],
    ['an empty window', { suggestedWindow: { start, end: start } }],
    ['dates without an offset', { suggestedWindow: { start: '2026-11-24T00:00:00', end } }],
    ['numbers', { suggestedWindow: { start: 1, end: 2 } }],
    ['a day that is none', { suggestedWindow: { start: '2026-13-45T00:00:00Z', end } }],
  ])('that is %s is unusable', async (_, data) => {
    const ca = createFakeCa({ [path]: { data } });
    await expect(fetchRenewalInfo(await ca.session(), id)).rejects.toMatchObject({
      code: 'renewal-info-unusable',
    });
  });

  it('of a certificate the CA does not know is unknown, as is that of a CA without any', async () => {
    const ca = createFakeCa();
    await expect(fetchRenewalInfo(await ca.session(), id)).rejects.toMatchObject({
      code: 'renewal-info-unknown',
      message: expect.stringContaining('because of malformed'),
    });
    const { renewalInfo: _, ...without } = directory;
    const plain = createFakeCa({ '/directory': { data: without } });
    await expect(fetchRenewalInfo(await plain.session(), id)).rejects.toMatchObject({
      code: 'renewal-info-unknown',
    });
  });

  it('is refused in the CA’s words', async () => {
    const ca = createFakeCa({ [path]: aProblem(403, 'unauthorized') });
    await expect(fetchRenewalInfo(await ca.session(), id)).rejects.toBeInstanceOf(AcmeFailure);
  });
});

const window = { start: daysAfter(noon, 2), end: daysAfter(noon, 4) };
const soon = new Date(noon.getTime() + 60_000);

describe('the instant of renewal', () => {
  it('is drawn evenly from the window', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (share) => {
        const at = chooseRenewalInstant(window, { now: noon, nextTickAt: soon, random: () => share });
        const position = (at.getTime() - window.start.getTime()) / (2 * 86_400_000);
        return Math.abs(position - share) < 1e-6 && at >= window.start && at < window.end;
      }),
    );
  });

  it.each([
    ['has passed', daysAfter(noon, -5), daysAfter(noon, -3)],
    ['is drawn in the past of a window that is open', daysAfter(noon, -2), daysAfter(noon, 1)],
    ['would pass before the next look', new Date(noon.getTime() + 1000), soon],
  ])('is now when it %s', (_, from, to) => {
    const drawn = chooseRenewalInstant(
      { start: from, end: to },
      { now: noon, nextTickAt: soon, random: () => 0.5 },
    );
    expect(drawn).toEqual(noon);
  });

  it.each([
    [-1, false],
    [0, true],
    [172_799_999, true],
    [172_800_000, false],
  ])('%s ms after the start is inside the window: %s', (millis, inside) => {
    expect(isInsideWindow(window, new Date(window.start.getTime() + millis))).toBe(inside);
  });
});

const seconds = (outcome: Parameters<typeof decideNextPollAt>[0]['outcome'], share = 0.5) =>
  (decideNextPollAt({ now: noon, random: () => share, outcome }).getTime() - noon.getTime()) / 1000;
const refused = (status: number, retryAfterSeconds?: number) =>
  new AcmeFailure(readProblem(status, {}), { resource: '/', retryAfterSeconds });
const failed = (failure: Failure, failures = 1) => ({ kind: 'failed', failure, failures }) as const;
const aFailure = (code: string, cause?: object) =>
  new Failure({ code, disposition: 'retry', message: '', cause });

describe('the next poll', () => {
  it('never comes before the Retry-After of an answer, and soon after it', () => {
    expect(seconds({ kind: 'answered', retryAfterSeconds: 21_600 }, 0)).toBe(21_600);
    expect(seconds({ kind: 'answered', retryAfterSeconds: 21_600 }, 0.999)).toBeLessThanOrEqual(23_760);
  });

  it.each([
    [0, 60],
    [5, 60],
    [30 * 86_400, 86_400],
  ])('takes a Retry-After of %s s for %s s', (retryAfterSeconds, expected) => {
    expect(seconds({ kind: 'answered', retryAfterSeconds })).toBe(expected);
  });

  it('comes in six hours where the CA names no time', () => {
    expect(seconds({ kind: 'answered' })).toBe(21_600);
    expect(seconds({ kind: 'answered' }, 0)).toBe(19_440);
    expect(seconds({ kind: 'answered' }, 1)).toBe(23_760);
  });

  it.each([
    ['a server error', refused(503)],
    ['a rate limit', refused(429)],
    ['a timeout', aFailure('ca-unreachable', new Error('aborted'))],
    ['a reset', aFailure('ca-unreachable', { code: 'ECONNRESET' })],
    ['its own deadline', aFailure('deadline')],
  ])('backs off after %s, from a minute to six hours', (_, failure) => {
    const pauses = [1, 2, 3, 4, 9, 10, 1000].map((failures) => seconds(failed(failure, failures)));
    expect(pauses).toEqual([60, 120, 240, 480, 15_360, 21_600, 21_600]);
  });

  it.each([
    ['an unknown certificate', aFailure('renewal-info-unknown')],
    ['an unusable window', aFailure('renewal-info-unusable')],
    ['a refusal', refused(403)],
    ['a name that does not resolve', aFailure('ca-unreachable', { code: 'ENOTFOUND' })],
    ['a port that refuses', aFailure('ca-unreachable', { code: 'ECONNREFUSED' })],
    ['a CA not trusted', aFailure('ca-untrusted')],
  ])('comes in six hours after %s', (_, failure) => {
    expect(seconds(failed(failure))).toBe(21_600);
  });

  it('obeys the Retry-After of a refusal', () => {
    expect(seconds(failed(refused(429, 600)), 0)).toBe(600);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import type { OpenSession } from '../../../shared/acme/connection.ts';
import { AcmeFailure } from '../../../shared/acme/problem.ts';
import { createMemoryCertificateStore } from '../../../shared/certificates/store.memory.ts';
import { type Issuer, refreshRenewalInfo } from '../../../shared/renewal/refresh-renewal-info.ts';
import { Failure } from '../../../shared/runtime/errors.ts';
import { anIssuedCertificate, aPolicy, daysAfter, noon } from '../../support/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const firstCa = 'https://ca.example/directory';
const otherCa = 'https://other.example/directory';
const sixHours = 21_600;
const name = 'a.example.com';

interface Answer {
  readonly start: Date;
  readonly end: Date;
  readonly explanationURL?: string;
  readonly retryAfterSeconds?: number;
}
const theWindow = { start: daysAfter(noon, 58), end: daysAfter(noon, 60) };
const anAnswer = (changes: Partial<Answer> = {}): Answer => ({
  ...theWindow,
  retryAfterSeconds: sixHours,
  ...changes,
});
const serverError = () =>
  new AcmeFailure(
    { type: 'http-503', status: 503, detail: 'HTTP status 503', subproblems: [] },
    { resource: '/ari' },
  );

function createScene() {
  const clock = createFakeClock(noon);
  const certificates = createMemoryCertificateStore();
  const asked: string[] = [];
  const draws: number[] = [];
  let answer: (url: string) => Answer | Promise<Answer> = () => anAnswer();
  const sessionTo = (directoryUrl: string): OpenSession => ({
    meta: async () => ({}),
    resourceUrl: async () => directoryUrl,
    renewalInfoUrl: async () => `${new URL(directoryUrl).origin}/ari`,
    getOpen: async (url) => {
      asked.push(url);
      const { start, end, explanationURL, retryAfterSeconds } = await answer(url);
      const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      return { status: 200, headers, data: { suggestedWindow: { start, end }, explanationURL } };
    },
    retryAfterSeconds: ({ headers }) =>
      headers['retry-after'] === undefined ? undefined : Number(headers['retry-after']),
  });
  const configured = new Set([firstCa, otherCa]);
  const ports = {
    certificates,
    clock,
    random: () => draws.shift() ?? 0.5,
    sessionFor: async ({ directoryUrl }: Issuer) =>
      configured.has(directoryUrl) ? sessionTo(directoryUrl) : undefined,
  };
  return {
    clock,
    certificates,
    asked,
    draws,
    configured,
    ports,
    answers(given: typeof answer) {
      // JSON on the wire: instants are texts.
      answer = async (url) => JSON.parse(JSON.stringify(await given(url)));
    },
    refresh: (names: readonly string[] = [name], signal = new AbortController().signal) =>
      refreshRenewalInfo(names, ports, signal),
    read: async (certificateName = name) => {
      const found = await certificates.get(certificateName);
      if (!found) throw new Error(`${certificateName} is not there`);
      return found;
    },
    async issue(
      certificateName = name,
      changes: { generation?: number; directoryUrl?: string; id?: string } = {},
    ) {
      const { generation = 1, directoryUrl = firstCa, id = certificateName } = changes;
      await certificates.track({
        name: certificateName,
        policy: aPolicy({ domains: [certificateName] }),
        now: noon,
      });
      const read = await certificates.get(certificateName);
      if (!read) throw new Error('not tracked');
      const issuedBy = { directoryUrl, accountUrl: `${directoryUrl}/account`, certificateId: id };
      const issued = anIssuedCertificate({ generation, domains: [certificateName], issuedBy });
      await certificates.recordIssued({ read, issued, nextActionAt: clock.now() });
    },
  };
}

describe('refreshing renewal information', () => {
  let scene: ReturnType<typeof createScene>;
  beforeEach(() => {
    scene = createScene();
    scene.answers(() => anAnswer());
  });

  it('keeps window, drawn instant and explanation, and looks again when the CA said', async () => {
    scene.answers(() => anAnswer({ explanationURL: 'https://ca.example/why' }));
    await scene.issue();
    expect(await scene.refresh()).toEqual({
      refreshed: [name],
      moved: [],
      explained: [{ name, explanationUrl: 'https://ca.example/why' }],
      failed: [],
      unreached: [],
    });
    expect(scene.asked).toEqual(['https://ca.example/ari/a.example.com']);
    const { advice, nextActionAt } = await scene.read();
    expect(advice).toMatchObject({
      certificateId: name,
      window: theWindow,
      renewAt: daysAfter(noon, 59),
      explanationUrl: 'https://ca.example/why',
      failures: 0,
    });
    const waitSeconds = ((advice?.nextPollAt.getTime() ?? 0) - noon.getTime()) / 1000;
    expect(waitSeconds).toBeGreaterThanOrEqual(sixHours + 60);
    expect(waitSeconds).toBeLessThan(sixHours * 1.11 + 60);
    expect(nextActionAt).toEqual(advice?.nextPollAt);
  });

  it('asks nothing again before its time, however often the message comes', async () => {
    await scene.issue();
    await scene.refresh([name, name]);
    scene.clock.advance(sixHours * 1000 - 1);
    expect(await scene.refresh()).toMatchObject({ refreshed: [], failed: [] });
    expect(scene.asked).toHaveLength(1);
    scene.clock.advance(sixHours * 200);
    expect(await scene.refresh()).toMatchObject({ refreshed: [name] });
  });

  it('keeps the instant of a window that stands, and draws anew from one that moved', async () => {
    await scene.issue();
    scene.draws.push(0.25);
    await scene.refresh();
    expect((await scene.read()).advice?.renewAt).toEqual(daysAfter(noon, 58.5));
    scene.clock.advance(86_400_000);
    expect(await scene.refresh()).toMatchObject({ refreshed: [name], moved: [], explained: [] });
    expect((await scene.read()).advice?.renewAt).toEqual(daysAfter(noon, 58.5));
    const moved = { start: daysAfter(noon, 10), end: daysAfter(noon, 12) };
    scene.answers(() => anAnswer(moved));
    scene.clock.advance(86_400_000);
    expect(await scene.refresh()).toMatchObject({ refreshed: [name], moved: [name] });
    expect((await scene.read()).advice).toMatchObject({ window: moved, renewAt: daysAfter(noon, 11) });
  });

  it('brings a certificate before the scheduler at once whose window has passed', async () => {
    scene.answers(() => anAnswer({ start: daysAfter(noon, -2), end: daysAfter(noon, -1) }));
    await scene.issue();
    await scene.refresh();
    expect(await scene.read()).toMatchObject({ advice: { renewAt: noon }, nextActionAt: noon });
  });

  it('leaves a certificate its place in the plan', async () => {
    await scene.issue();
    const planned = daysAfter(noon, 0.1);
    const [expectedAt, nextActionAt] = [noon, daysAfter(noon, 0.01)];
    await scene.certificates.postpone({ name, expectedAt, nextActionAt, plannedAt: planned });
    await scene.refresh();
    expect(await scene.read()).toMatchObject({ plannedAt: planned, nextActionAt: planned });
  });

  it('counts and keeps a failure, doubles the pause, and forgets it with the next answer', async () => {
    scene.answers(() => Promise.reject(serverError()));
    await scene.issue();
    const pauses: number[] = [];
    for (const failures of [1, 2, 3]) {
      expect(await scene.refresh()).toMatchObject({ refreshed: [], failed: [{ name }] });
      const { advice } = await scene.read();
      expect(advice).toMatchObject({ failures, lastProblem: expect.stringContaining('503') });
      const pause = (advice?.nextPollAt.getTime() ?? 0) - scene.clock.now().getTime();
      pauses.push(pause / 1000 - 60);
      scene.clock.advance(pause);
    }
    expect(pauses).toEqual([60, 120, 240]);
    scene.answers(() => anAnswer());
    await scene.refresh();
    const { advice } = await scene.read();
    expect(advice?.failures).toBe(0);
    expect(advice?.lastProblem).toBeUndefined();
  });

  it('goes by what the CA said before while it cannot be asked', async () => {
    await scene.issue();
    await scene.refresh();
    scene.answers(() => Promise.reject(serverError()));
    scene.clock.advance(86_400_000);
    await scene.refresh();
    expect((await scene.read()).advice).toMatchObject({
      window: theWindow,
      renewAt: daysAfter(noon, 59),
      failures: 1,
    });
  });

  it.each([
    ['reversed', anAnswer({ start: theWindow.end, end: theWindow.start })],
    ['empty', anAnswer({ end: theWindow.start })],
  ])('takes a window that is %s for no answer and waits six hours', async (_, answer) => {
    scene.answers(() => answer);
    await scene.issue();
    expect(await scene.refresh()).toMatchObject({ failed: [{ failure: { code: 'renewal-info-unusable' } }] });
    const { advice } = await scene.read();
    expect(advice?.nextPollAt).toEqual(new Date(noon.getTime() + (sixHours + 60) * 1000));
    expect(advice?.renewAt).toBeUndefined();
  });

  it('lets one name that fails hold up no other', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `h${index}.example.com`);
    for (const each of names) await scene.issue(each);
    scene.answers((url) => {
      if (url.endsWith('/h7.example.com')) throw serverError();
      return anAnswer();
    });
    const { refreshed, failed } = await scene.refresh([...names, 'unknown.example.com']);
    expect(refreshed).toHaveLength(29);
    expect(failed.map((one) => one.name)).toEqual(['h7.example.com']);
  });

  it('asks at most eight at once', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `h${index}.example.com`);
    for (const each of names) await scene.issue(each);
    let [under, most] = [0, 0];
    scene.answers(async () => {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setImmediate(resolve));
      under--;
      return anAnswer();
    });
    await scene.refresh(names);
    expect(most).toBe(8);
  });

  it('asks a CA that cannot be reached no more in this invocation, and other CAs all the same', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `h${index}.example.com`);
    for (const each of names) await scene.issue(each);
    await scene.issue('other.example.com', { directoryUrl: otherCa });
    const down = new Failure({
      code: 'ca-unreachable',
      disposition: 'retry',
      message: 'no answer within 20 s',
    });
    scene.answers((url) => {
      if (url.startsWith('https://ca.example/')) throw down;
      return anAnswer();
    });
    const { refreshed, failed } = await scene.refresh([...names, 'other.example.com']);
    expect(refreshed).toEqual(['other.example.com']);
    expect(failed).toHaveLength(30);
    expect(scene.asked.filter((url) => url.startsWith('https://ca.example/')).length).toBeLessThanOrEqual(8);
    expect((await scene.read('h29.example.com')).advice).toMatchObject({ failures: 1 });
  });

  it('ends with its deadline and leaves what it did not reach as it was', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `h${index}.example.com`);
    for (const each of names) await scene.issue(each);
    const controller = new AbortController();
    scene.answers(() => {
      if (scene.asked.length < 20) return anAnswer();
      controller.abort();
      throw new Error('aborted');
    });
    const result = await scene.refresh(names, controller.signal);
    expect(result.failed).toEqual([]);
    expect(result.refreshed.length + result.unreached.length).toBe(30);
    expect(result.unreached).toContain('h29.example.com');
    expect((await scene.read('h29.example.com')).advice).toBeUndefined();
  });

  it('throws what the store could not keep, after everything else was done', async () => {
    await scene.issue();
    await scene.issue('b.example.com');
    const lost = new Failure({ code: 'store-unavailable', disposition: 'retry', message: 'throttled' });
    const { recordAdvice } = scene.certificates;
    scene.certificates.recordAdvice = (change) =>
      change.read.name === name ? Promise.reject(lost) : recordAdvice(change);
    await expect(scene.refresh([name, 'b.example.com'])).rejects.toBe(lost);
    expect((await scene.read('b.example.com')).advice?.window).toEqual(theWindow);
  });

  it('takes a table that cannot pace its requests for no failure of the CA', async () => {
    const lost = new Failure({ code: 'store-unavailable', disposition: 'retry', message: 'throttled' });
    scene.answers(() => Promise.reject(lost));
    await scene.issue();
    await expect(scene.refresh()).rejects.toBe(lost);
    expect((await scene.read()).advice).toBeUndefined();
  });

  it('asks about nothing that has expired or was retired', async () => {
    await scene.issue();
    await scene.issue('retired.example.com');
    await scene.certificates.retire('retired.example.com');
    scene.clock.advance(90 * 86_400_000);
    await scene.refresh([name, 'retired.example.com']);
    expect(scene.asked).toEqual([]);
  });

  it('records nothing about a certificate that was replaced while its CA was asked', async () => {
    await scene.issue();
    scene.answers(async () => {
      await scene.issue(name, { generation: 2, id: 'second' });
      return anAnswer();
    });
    expect(await scene.refresh()).toMatchObject({ refreshed: [], failed: [] });
    expect((await scene.read()).advice).toBeUndefined();
  });

  it('F12: after a change of CA asks the new one alone, about its own certificate', async () => {
    await scene.issue();
    scene.answers(() => anAnswer({ start: daysAfter(noon, 1), end: daysAfter(noon, 2) }));
    await scene.refresh();
    await scene.issue(name, { generation: 2, directoryUrl: otherCa, id: 'second' });
    scene.answers(() => anAnswer());
    scene.clock.advance(86_400_000);
    expect(await scene.refresh()).toMatchObject({ refreshed: [name], moved: [] });
    expect(scene.asked).toEqual(['https://ca.example/ari/a.example.com', 'https://other.example/ari/second']);
    expect((await scene.read()).advice).toMatchObject({ certificateId: 'second', window: theWindow });
  });

  it('does not ask a CA that is no longer configured, says so, and looks again in six hours', async () => {
    await scene.issue();
    scene.configured.delete(firstCa);
    expect(await scene.refresh()).toMatchObject({ failed: [{ failure: { code: 'ca-not-configured' } }] });
    expect(scene.asked).toEqual([]);
    const { advice, nextActionAt } = await scene.read();
    expect(advice).toMatchObject({ failures: 1, lastProblem: expect.stringContaining(firstCa) });
    expect(nextActionAt).toEqual(new Date(noon.getTime() + (sixHours + 60) * 1000));
  });
});

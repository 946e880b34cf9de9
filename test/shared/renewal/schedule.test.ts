import { beforeEach, describe, expect, it } from 'vitest';
import { ordersKey } from '../../../shared/limits/bucket-keys.ts';
import { scheduleRenewals } from '../../../shared/renewal/schedule.ts';
import { aRenewal, daysAfter, noon } from '../../support/builders.ts';
import { createScene, letsEncrypt, ownCa, type Scene } from './schedule-scene.ts';

describe('a tick', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = createScene();
  });

  it('opens a renewal for what is due and sends it once', async () => {
    const { track, tick, ports } = scene;
    await track('a.example.com');
    expect(await tick()).toMatchObject({ opened: ['a.example.com'], resumed: [], more: false });
    expect(ports.queue.take('renew-certificate')).toEqual([
      { certificateName: 'a.example.com', generation: 1, runId: 'run-1' },
    ]);
    expect(await tick()).toEqual({ opened: [], resumed: [], planned: 0, polls: 0, more: false });
  });

  it('is held up by no certificate whose CA is no longer known: its worker says so', async () => {
    const { track, tick, read, clock } = createScene({ firstChoice: letsEncrypt, fallbacks: ['zerossl'] });
    for (let index = 0; index < 40; index++) await track(`p${index}.example.com`, { ca: 'long-gone' });
    clock.advance(60_000);
    await track('good.example.com');
    for (let round = 0; round < 10; round++) await tick({ limitPerShard: 1 });
    expect(await read('good.example.com')).toMatchObject({ generation: 1 });
    expect(await read('p0.example.com')).toMatchObject({ generation: 1 });
  });

  it('plans around a certificate whose CA is no longer known and whose place comes late', async () => {
    const { track, tick, ports } = createScene({ firstChoice: letsEncrypt, fallbacks: ['zerossl'] });
    await track('p.example.com', { ca: 'long-gone' });
    await track('good.example.com');
    await ports.buckets.update(ordersKey('lets-encrypt', 'default'), () => ({
      state: { tat: daysAfter(noon, 2), spends: [], holds: {} },
      result: undefined,
    }));
    expect(await tick()).toMatchObject({ opened: ['good.example.com'], planned: 1 });
  });

  it.each([
    ['a day after one that was announced, too', 'announced', 90, 24],
    ['where half of a short lifetime is over', 'announced', 1, 12],
    ['at once after any other', 'expiring', 90, 0],
  ] as const)('believes a window that has passed %s', async (_, code, lifetimeDays, hours) => {
    const { track, tick, read, issue, ports, clock } = scene;
    const name = 'a.example.com';
    await track(name);
    await ports.renewals.open(aRenewal({ certificateName: name, reason: { code, message: '' } }));
    const certificateId = 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE';
    const issuedBy = { directoryUrl: ownCa, accountUrl: `${ownCa}/1`, certificateId };
    const notAfter = daysAfter(noon, lifetimeDays);
    await issue(name, { generation: 1, notBefore: noon, notAfter, issuedBy }, noon);
    const window = { start: daysAfter(noon, -2), end: daysAfter(noon, -1) };
    const nextPollAt = daysAfter(noon, 9);
    const advice = { certificateId, window, renewAt: noon, nextPollAt, failures: 0 };
    await ports.certificates.recordAdvice({ read: await read(name), advice, nextActionAt: noon });
    if (hours > 0) {
      expect(await tick()).toMatchObject({ opened: [] });
      clock.advance(hours * 3_600_000 - 120_000);
      expect(await tick()).toMatchObject({ opened: [] });
      clock.advance(120_000);
    }
    expect(await tick()).toMatchObject({ opened: [name] });
  });

  it('opens the next generation where one that a dead tick opened has ended', async () => {
    const { track, tick, ports, clock, read } = scene;
    const name = 'a.example.com';
    await track(name);
    await ports.renewals.open(aRenewal({ certificateName: name, outcome: 'abandoned' }));
    expect(await tick()).toMatchObject({ opened: [] });
    clock.advance(60_000);
    expect(await tick()).toMatchObject({ opened: [name] });
    expect(await read(name)).toMatchObject({ generation: 2 });
  });

  it('opens nothing twice when two ticks come at once', async () => {
    const { track, tick, ports } = scene;
    for (let index = 0; index < 20; index++) await track(`h${index}.example.com`);
    const results = await Promise.all([tick(), tick(), tick()]);
    expect(results.flatMap(({ opened }) => opened)).toHaveLength(20);
    expect(ports.queue.take('renew-certificate')).toHaveLength(20);
  });

  it('sends a renewal again when its message was lost', async () => {
    const { track, tick, ports, clock } = scene;
    await track('a.example.com');
    await tick();
    ports.queue.take('renew-certificate');
    clock.advance(899_000);
    expect(await tick()).toMatchObject({ resumed: [] });
    clock.advance(1000);
    expect(await tick()).toMatchObject({ opened: [], resumed: ['a.example.com'] });
    expect(ports.queue.take('renew-certificate')).toHaveLength(1);
  });

  it('sends a renewal to the worker of its step', async () => {
    const { track, tick, ports, clock } = scene;
    await track('a.example.com');
    await tick();
    const id = { certificateName: 'a.example.com', generation: 1 };
    const claimed = await ports.renewals.claim(id, { owner: 'w', now: noon, until: daysAfter(noon, 1) });
    if (!claimed) throw new Error('not claimed');
    await ports.renewals.release({ ...claimed, step: 'verify', nextActionAt: noon });
    clock.advance(1000);
    await tick();
    expect(ports.queue.take('verify-certificate')).toHaveLength(1);
  });

  it('meets the renewal a crashed tick opened, instead of opening a second', async () => {
    const { track, tick, ports, clock } = scene;
    await track('a.example.com');
    const certificates = { ...ports.certificates, postpone: () => Promise.reject(new Error('crash')) };
    await expect(
      scheduleRenewals({ runId: 'run-0', tickSeconds: 60, limitPerShard: 10 }, { ...ports, certificates }),
    ).rejects.toThrow('crash');
    await tick();
    clock.advance(900_000);
    expect(await tick()).toMatchObject({ opened: [], resumed: ['a.example.com'] });
    expect(await ports.renewals.get({ certificateName: 'a.example.com', generation: 2 })).toBeUndefined();
  });

  it('lets a certificate that is not due rest until its own time', async () => {
    const { track, tick, ports, issue } = scene;
    await track('a.example.com');
    await issue('a.example.com', {}, noon);
    expect(await tick()).toMatchObject({ opened: [] });
    expect((await ports.certificates.get('a.example.com'))?.nextActionAt).toEqual(daysAfter(noon, 60));
  });

  it('opens the next generation when an issued certificate comes due again', async () => {
    const { track, tick, ports, clock, issue } = scene;
    await track('a.example.com');
    await issue('a.example.com', {}, daysAfter(noon, 60));
    clock.advance(60 * 86_400_000);
    expect(await tick()).toMatchObject({ opened: ['a.example.com'] });
    expect(ports.queue.take('renew-certificate')).toMatchObject([{ generation: 2 }]);
  });

  it('says when there is more than one tick takes', async () => {
    const { track, tick } = scene;
    for (let index = 0; index < 40; index++) await track(`h${index}.example.com`);
    const first = await tick({ limitPerShard: 1 });
    expect(first).toMatchObject({ more: true });
    expect(first.opened.length).toBeLessThan(40);
  });

  it('lets one item that fails hold up no other, and tells of it in the end', async () => {
    const { track, ports, clock } = scene;
    for (let index = 0; index < 20; index++) await track(`h${index}.example.com`);
    const get = (name: string) =>
      name === 'h7.example.com' ? Promise.reject(new Error('poison')) : ports.certificates.get(name);
    const certificates = { ...ports.certificates, get };
    const tick = () =>
      scheduleRenewals({ runId: 'r', tickSeconds: 60, limitPerShard: 9 }, { ...ports, certificates });
    await expect(tick()).rejects.toThrow('poison');
    expect(ports.queue.take('renew-certificate')).toHaveLength(19);
    clock.advance(60_000);
    await expect(tick()).rejects.toThrow('poison');
    expect(ports.queue.take('renew-certificate')).toEqual([]);
  });

  it('decides by the certificate itself where the due index lags behind', async () => {
    const { track, ports, read, issue } = scene;
    await track('a.example.com');
    const stale = await read('a.example.com');
    await ports.certificates.postpone({
      name: stale.name,
      expectedAt: noon,
      nextActionAt: daysAfter(noon, 1),
      generation: 1,
    });
    await issue('a.example.com', {}, daysAfter(noon, 60));
    const certificates = { ...ports.certificates, findDue: async () => [stale] };
    const result = await scheduleRenewals(
      { runId: 'r', tickSeconds: 60, limitPerShard: 9 },
      { ...ports, certificates },
    );
    expect(result).toMatchObject({ opened: [], resumed: [] });
    expect(await ports.renewals.get({ certificateName: 'a.example.com', generation: 2 })).toBeUndefined();
  });
});

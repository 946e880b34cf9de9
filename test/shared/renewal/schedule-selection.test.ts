import { beforeEach, describe, expect, it } from 'vitest';
import { scheduleRenewals as event } from '../../../events/schedule-renewals.ts';
import { ordersKey } from '../../../shared/limits/bucket-keys.ts';
import { publishedLimits } from '../../../shared/limits/published-limits.ts';
import type { Renewal } from '../../../shared/renewal/renewal.ts';
import { Failure } from '../../../shared/runtime/errors.ts';
import { aPolicy, aRenewal, daysAfter, noon } from '../../support/builders.ts';
import { createScene, letsEncrypt, type Scene } from './schedule-scene.ts';

const name = 'a.example.com';

describe('a selection', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = createScene({ firstChoice: letsEncrypt });
    await scene.track(name);
    await scene.track('b.example.com', { ca: 'google-trust-services' });
  });
  const openRenewal = async (changes: Partial<Renewal>) => {
    const nextActionAt = daysAfter(noon, 1);
    await scene.ports.certificates.postpone({ name, expectedAt: noon, nextActionAt, generation: 1 });
    await scene.ports.renewals.open(
      aRenewal({ certificateName: name, policy: aPolicy({ domains: [name] }), nextActionAt, ...changes }),
    );
  };
  const stored = (generation = 1) => scene.ports.renewals.get({ certificateName: name, generation });

  it('of names takes those that are due, and no others', async () => {
    await scene.track('c.example.com');
    await scene.issue('c.example.com', {}, daysAfter(noon, 60));
    const selection = { names: [name, 'c.example.com'] };
    expect(await scene.tick({ selection })).toMatchObject({ opened: [name], resumed: [] });
    expect((await scene.read('b.example.com')).nextActionAt).toEqual(noon);
  });

  it('of a CA takes what would be ordered there', async () => {
    expect(await scene.tick({ selection: { ca: 'google-trust-services' } })).toMatchObject({
      opened: ['b.example.com'],
    });
    expect(await scene.tick({ selection: { ca: letsEncrypt } })).toMatchObject({ opened: [name] });
  });

  it('names every certificate it does not know, and does nothing', async () => {
    await scene.ports.certificates.retire('b.example.com');
    const selection = { names: [name, 'b.example.com', 'nobody.example.com'], force: true };
    await expect(scene.tick({ selection })).rejects.toMatchObject({
      code: 'unknown-certificate',
      message: expect.stringMatching(/^2 of the names .*: b\.example\.com, nobody\.example\.com;/),
    });
    expect(scene.ports.queue.take('renew-certificate')).toEqual([]);
  });

  it('by force renews what is not due, and says so', async () => {
    await scene.issue(name, {}, daysAfter(noon, 60));
    expect(await scene.tick({ selection: { names: [name] } })).toMatchObject({ opened: [] });
    expect(await scene.tick({ selection: { names: [name], force: true } })).toMatchObject({ opened: [name] });
    expect(await stored(2)).toMatchObject({ reason: { code: 'forced' } });
  });

  it('by force keeps the wish of those that have to wait', async () => {
    await scene.issue(name, {}, daysAfter(noon, 60));
    const tat = new Date(noon.getTime() + 280 * 36_000);
    await scene.ports.buckets.update(ordersKey('lets-encrypt', 'default'), () => ({
      state: { tat, spends: [], holds: {} },
      result: undefined,
    }));
    const selection = { names: [name], force: true };
    expect(await scene.tick({ selection })).toMatchObject({ opened: [], planned: 1 });
    const freeAt = new Date(noon.getTime() + 11 * 36_000);
    expect(await stored(2)).toMatchObject({ reason: { code: 'forced' }, nextActionAt: freeAt });
    scene.clock.advance(11 * 36_000);
    expect(await scene.tick()).toMatchObject({ resumed: [name] });
  });

  it.each<[string, Partial<Renewal>]>([
    ['rests', { restsUntil: daysAfter(noon, 1) }],
    ['is quarantined', { quarantinedAt: daysAfter(noon, -3), attempts: 9 }],
    ['is paused', { pausedAt: daysAfter(noon, -3), nextActionAt: undefined }],
    ['rests beyond its reservation', { step: 'await-validation', restsUntil: daysAfter(noon, 1) }],
  ])('by force wakes a renewal that %s, and sends it once', async (_, changes) => {
    await openRenewal(changes);
    const selection = { names: [name], force: true };
    expect(await scene.tick({ selection })).toMatchObject({ opened: [], resumed: [name] });
    expect(await stored()).not.toMatchObject({ restsUntil: expect.any(Date) });
    expect(await stored()).not.toMatchObject({ pausedAt: expect.any(Date) });
    scene.clock.advance(60_000);
    expect(await scene.tick({ selection: { names: [name] } })).toMatchObject({ resumed: [] });
    expect((await stored())?.nextActionAt).toEqual(new Date(noon.getTime() + 900_000));
  });

  it('is not needed for a paused renewal whose names were changed in the inventory', async () => {
    await openRenewal({ pausedAt: daysAfter(noon, -3), nextActionAt: undefined });
    scene.clock.advance(86_400_000);
    expect(await scene.tick()).toMatchObject({ resumed: [] });
    expect(await stored()).toMatchObject({ pausedAt: expect.any(Date) });
    const policy = aPolicy({ domains: [name, 'more.example.com'] });
    await scene.ports.certificates.changePolicy({ name, policy, now: scene.clock.now() });
    expect(await scene.tick()).toMatchObject({ resumed: [name] });
    expect(await stored()).not.toMatchObject({ pausedAt: expect.any(Date) });
  });

  it('by force of a CA wakes what this CA has paused', async () => {
    const ca = { directoryUrl: letsEncrypt, rehearsal: false };
    const pausedAt = daysAfter(noon, -3);
    await openRenewal({ step: 'place-order', ca, pausedAt, nextActionAt: undefined });
    const atCa = (ca: string) => scene.tick({ selection: { names: [name], force: true, ca } });
    expect(await atCa('zerossl')).toMatchObject({ resumed: [] });
    expect(await atCa('lets-encrypt')).toMatchObject({ resumed: [name] });
    expect(await stored()).not.toMatchObject({ pausedAt: expect.any(Date) });
  });

  it('of all by force is the drill for a mass revocation', async () => {
    await scene.issue(name, {}, daysAfter(noon, 60));
    await scene.issue('b.example.com', {}, daysAfter(noon, 60));
    expect(await scene.plan({ selection: { force: true, all: true } })).toMatchObject({
      due: 2,
      byReason: { forced: 2 },
    });
    const { opened } = await scene.tick({ selection: { force: true, all: true } });
    expect(opened.toSorted()).toEqual([name, 'b.example.com']);
  });

  it('of all by force works off a fleet in several calls, each certificate once', async () => {
    for (let index = 0; index < 5000; index++) await scene.track(`w.n${index}.com`);
    const selection = { force: true, all: true };
    const remainingMillis = () => 19_000;
    const first = await scene.tick({ selection, remainingMillis });
    expect(first).toMatchObject({ more: true, after: expect.any(String) });
    expect(first.opened.length + first.planned).toBe(2000);
    const second = await scene.tick({ selection: { ...selection, after: first.after } });
    expect(second).toMatchObject({ more: false });
    expect(second.opened.length + second.planned).toBe(3002);
    expect(new Set([...first.opened, ...second.opened]).size).toBe(
      first.opened.length + second.opened.length,
    );
    expect(await scene.ports.renewals.get({ certificateName: 'w.n4999.com', generation: 2 })).toBeUndefined();
  });

  it('of all by force that fails half-way says where to go on', async () => {
    for (let index = 0; index < 5000; index++) await scene.track(`w.n${index}.com`);
    const { queue } = scene.ports;
    let sends = 0;
    scene.ports.queue = {
      ...queue,
      send: async (worker, work) => {
        sends += 1;
        if (sends > 1)
          throw new Failure({ code: 'queue-unavailable', disposition: 'retry', message: 'gone' });
        await queue.send(worker, work);
      },
    };
    scene.ports.limitsFor = () => publishedLimits('zerossl');
    await expect(scene.tick({ selection: { force: true, all: true } })).rejects.toMatchObject({
      code: 'queue-unavailable',
      message: 'gone; to go on, say "after": "w.n1997.com"',
    });
  });

  it('by force of neither names nor all is refused', async () => {
    await expect(scene.tick({ selection: { force: true } })).rejects.toMatchObject({ code: 'invalid-event' });
  });
});

describe('the event of the scheduler', () => {
  it.each([
    { trigger: 'schedule' },
    {},
    { runId: 'r', names: ['a.example.com'] },
    { force: true, names: ['a.example.com'] },
    { force: true, all: true, dryRun: true },
    { force: true, all: true, after: 'a.example.com' },
    { dryRun: true, dueWithinHours: 24, ca: 'lets-encrypt' },
  ])('may be %j', (given) => {
    expect(event.safeParse(given).success).toBe(true);
  });

  it.each([
    [{ force: true }, 'names, or all'],
    [{ force: true, all: true, names: ['a.example.com'] }, 'names, or all'],
    [{ all: true }, 'belongs to force'],
    [{ after: 'a.example.com' }, 'belongs to all'],
    [{ dueWithinHours: 3 }, 'belongs to dryRun'],
    [{ dryrun: true }, 'dryrun'],
    [{ names: [] }, 'names'],
  ])('may not be %j', (given, problem) => {
    expect(JSON.stringify(event.safeParse(given).error?.issues)).toContain(problem);
  });
});

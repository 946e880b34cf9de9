import { beforeEach, describe, expect, it } from 'vitest';
import { domainKey, ordersKey } from '../../../shared/limits/bucket-keys.ts';
import { aRenewal, daysAfter, noon } from '../../support/builders.ts';
import { createScene, letsEncrypt, ownCa, type Scene } from './schedule-scene.ts';

const orders = ordersKey('lets-encrypt', 'default');
const instant = (seconds: number) => new Date(noon.getTime() + seconds * 1000).toISOString();

describe('a dry run', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = createScene({ firstChoice: letsEncrypt });
  });
  const trackMany = async (count: number, nameOf = (index: number) => `www.n${index}.com`) => {
    for (let index = 0; index < count; index++) await scene.track(nameOf(index));
  };

  it('says what is due and why, what binds, how many each day, and when it is done', async () => {
    await trackMany(3000);
    await scene.track('w.issued.com');
    await scene.issue(
      'w.issued.com',
      { notBefore: daysAfter(noon, -61), notAfter: daysAfter(noon, 29) },
      noon,
    );
    const report = await scene.plan();
    expect(report).toMatchObject({
      now: noon.toISOString(),
      due: 3001,
      byReason: { missing: 3000, expiring: 1 },
      admittedNow: 270,
      waiting: 2731,
      bindingBuckets: [{ bucket: orders, waiting: 2731, freeAt: instant(36) }],
      perDay: [
        { day: '2026-11-21', count: 270 + 1199 },
        { day: '2026-11-22', count: 1532 },
      ],
      finishedAt: instant(2731 * 36),
      truncated: true,
    });
    expect(report.sample).toHaveLength(100);
    expect(report.sample[0]).toMatchObject({ reason: 'expiring', plannedAt: noon.toISOString() });
  });

  it('names the bucket for which most wait first', async () => {
    await trackMany(50, (index) => `h${index}.huge.com`);
    await trackMany(60, (index) => `h${index}.larger.com`);
    const { bindingBuckets } = await scene.plan();
    expect(bindingBuckets).toMatchObject([
      { bucket: domainKey('lets-encrypt', 'larger.com'), waiting: 15 },
      { bucket: domainKey('lets-encrypt', 'huge.com'), waiting: 5 },
    ]);
  });

  it('counts what earlier ticks have given a place, as far as it is asked to look', async () => {
    await trackMany(600);
    const { perDay, finishedAt } = await scene.plan();
    await scene.tick();
    // An order every 36 s, until an hour after the next tick.
    const report = await scene.plan({ dueWithinHours: 1 });
    expect(report).toMatchObject({ due: 101, admittedNow: 0, waiting: 101, finishedAt });
    const whole = await scene.plan({ dueWithinHours: 24 });
    expect(whole).toMatchObject({ due: 330, waiting: 330, byReason: { missing: 330 }, finishedAt });
    expect(whole.perDay).toEqual([{ day: '2026-11-21', count: Number(perDay[0]?.count) - 270 }]);
  });

  it('names the date at which the backlog ends, whichever limit the places given wait for', async () => {
    await trackMany(60, (index) => `h${index}.huge.com`);
    const { finishedAt } = await scene.plan();
    await scene.tick();
    expect(await scene.plan()).toMatchObject({ due: 0, finishedAt });
  });

  it('changes nothing', async () => {
    await trackMany(300);
    const before = JSON.stringify(await Array.fromAsync(scene.ports.certificates.list()));
    const first = await scene.plan();
    expect(await scene.plan()).toEqual(first);
    expect(JSON.stringify(await Array.fromAsync(scene.ports.certificates.list()))).toBe(before);
    expect((await scene.ports.buckets.read([orders])).size).toBe(0);
    expect(scene.ports.queue.take('renew-certificate')).toEqual([]);
  });

  it('tells apart what goes on, what is to be asked, and what is renewed', async () => {
    await scene.ports.renewals.open(aRenewal({ certificateName: 'x.example.com', step: 'deploy' }));
    const issuedBy = { directoryUrl: ownCa, accountUrl: `${ownCa}/a`, certificateId: 'aYhb.AIdl' };
    await scene.track('a.example.com');
    await scene.issue('a.example.com', { issuedBy }, noon);
    expect(await scene.plan()).toMatchObject({ due: 0, underWay: 1, pollsDue: 1, waiting: 0 });
  });

  it('names the end of what earlier ticks have planned', async () => {
    await trackMany(300);
    const { finishedAt } = await scene.plan();
    await scene.tick();
    expect(await scene.plan()).toMatchObject({ due: 0, finishedAt });
  });

  it('has nothing to finish when nothing is due', async () => {
    expect(await scene.plan()).not.toHaveProperty('finishedAt');
  });

  it('looks ahead as far as it is told, and lets nothing start before it is due', async () => {
    await scene.track('a.example.com');
    await scene.issue('a.example.com', {}, daysAfter(noon, 60));
    expect(await scene.plan({ dueWithinHours: 59 * 24 })).toMatchObject({ due: 0 });
    const plannedAt = daysAfter(noon, 60).toISOString();
    expect(await scene.plan({ dueWithinHours: 61 * 24 })).toMatchObject({
      due: 1,
      admittedNow: 0,
      bindingBuckets: [],
      sample: [{ name: 'a.example.com', reason: 'expiring', plannedAt }],
    });
  });

  it('takes the same selections as a tick', async () => {
    await scene.track('a.example.com', { ca: 'google-trust-services' });
    await scene.track('b.example.com');
    expect(await scene.plan({ selection: { ca: 'lets-encrypt' } })).toMatchObject({ due: 1 });
    expect(await scene.plan({ selection: { names: ['a.example.com'] } })).toMatchObject({ due: 1 });
    await expect(scene.plan({ selection: { names: ['none.example.com'] } })).rejects.toMatchObject({
      code: 'unknown-certificate',
    });
  });
});

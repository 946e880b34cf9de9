import { beforeEach, describe, expect, it } from 'vitest';
import { fullBucket } from '../../../shared/limits/bucket.ts';
import { ordersKey } from '../../../shared/limits/bucket-keys.ts';
import { aPolicy, aRenewal, daysAfter, noon } from '../../support/builders.ts';
import { createScene, letsEncrypt, ownCa, type Scene } from './schedule-scene.ts';

const orders = ordersKey('lets-encrypt', 'default');

/** Certificates whose open renewals fail and fail, and whose next attempt is due. */
async function trackDead({ ports, track }: Scene, count: number) {
  for (let index = 0; index < count; index++) {
    const name = `x${index}.dead${index}.com`;
    await track(name);
    const change = { name, expectedAt: noon, nextActionAt: daysAfter(noon, 1), generation: 1 };
    await ports.certificates.postpone(change);
    await ports.renewals.open(
      aRenewal({
        certificateName: name,
        policy: aPolicy({ domains: [name] }),
        attempts: 7,
        quarantinedAt: daysAfter(noon, -1),
      }),
    );
  }
}

describe("a tick under a CA's limits", () => {
  let scene: Scene;
  beforeEach(() => {
    scene = createScene({ firstChoice: letsEncrypt });
  });
  const trackMany = async (count: number) => {
    for (let index = 0; index < count; index++) await scene.track(`www.n${index}.com`);
  };
  const hold = (until: Date) =>
    scene.ports.buckets.update(orders, () => ({
      state: { tat: until, spends: [], holds: {} },
      result: undefined,
    }));

  it('sends what they take and gives every other a place of its own', async () => {
    await trackMany(280);
    const { opened, planned } = await scene.tick();
    expect({ opened: opened.length, planned }).toEqual({ opened: 270, planned: 10 });
    const fleet = await Array.fromAsync(scene.ports.certificates.list());
    const places = fleet.flatMap(({ plannedAt, nextActionAt }) => {
      expect(plannedAt ?? nextActionAt).toEqual(nextActionAt);
      return plannedAt ? [(plannedAt.getTime() - noon.getTime()) / 1000] : [];
    });
    expect(places.sort((one, other) => one - other)).toEqual(
      Array.from({ length: 10 }, (_, index) => (index + 1) * 36),
    );
  });

  it('lets a certificate that would expire go before names that never had one, however long those are booked', async () => {
    await trackMany(3000);
    expect((await scene.tick()).planned).toBe(2730);
    // The workers have spent what they were sent for.
    const tat = new Date(noon.getTime() + 270 * 36_000);
    await scene.ports.buckets.update(orders, (state = fullBucket) => ({
      state: { ...state, tat },
      result: undefined,
    }));
    scene.clock.advance(30_000);
    const names = ['w.soon.com', 'w.later.com'] as const;
    for (const name of names) await scene.track(name);
    const notBefore = daysAfter(noon, -80);
    await scene.issue('w.soon.com', { notBefore, notAfter: daysAfter(noon, 0.8) }, scene.clock.now());
    await scene.issue('w.later.com', { notBefore, notAfter: daysAfter(noon, 10) }, scene.clock.now());
    expect(await scene.tick()).toMatchObject({ planned: 2 });
    const [soon, later] = await Promise.all(names.map(scene.read));
    expect(soon?.plannedAt).toEqual(new Date(noon.getTime() + 36_000));
    expect(later?.plannedAt).toEqual(new Date(noon.getTime() + 2731 * 36_000));
  });

  it('sends one that waited once its place has come, and takes it out of the plan', async () => {
    await hold(new Date(noon.getTime() + 271 * 36_000 - 1));
    await scene.track('a.example.com');
    expect(await scene.tick()).toMatchObject({ opened: [], planned: 1 });
    const { plannedAt } = await scene.read('a.example.com');
    scene.clock.advance(60_000);
    expect(await scene.tick()).toMatchObject({ opened: [], planned: 0 });
    expect((await scene.read('a.example.com')).plannedAt).toEqual(plannedAt);
    scene.clock.advance(60_000);
    expect(await scene.tick()).toMatchObject({ opened: ['a.example.com'] });
    expect((await scene.read('a.example.com')).plannedAt).toBeUndefined();
  });

  it('posts nothing twice and books nothing twice when two ticks come at once', async () => {
    await trackMany(300);
    const results = await Promise.all([scene.tick(), scene.tick(), scene.tick()]);
    expect(results.flatMap(({ opened }) => opened)).toHaveLength(270);
    expect(results.reduce((sum, { planned }) => sum + planned, 0)).toBe(30);
    expect(scene.ports.queue.take('renew-certificate')).toHaveLength(270);
    const bucket = (await scene.ports.buckets.read([orders])).get(orders);
    expect(bucket?.plannedUntil).toEqual(new Date(noon.getTime() + 300 * 36_000));
  });

  it('lets nine dead names of ten not delay a live one (F13)', async () => {
    await trackDead(scene, 900);
    await trackMany(100);
    const first = await scene.tick();
    expect(first.opened).toHaveLength(100);
    expect(first.resumed).toHaveLength(170);
    await hold(new Date(noon.getTime() + 270 * 36_000));
    scene.clock.advance(60_000);
    await scene.track('late.example.com');
    // 730 dead ones have their places in the hours to come; the first token that refills is not theirs.
    expect(await scene.tick()).toMatchObject({ opened: ['late.example.com'] });
  });

  it('puts a renewal that waits for its share of the limits before new ones', async () => {
    await hold(new Date(noon.getTime() + 269 * 36_000));
    await scene.track('open.example.com');
    const change = { name: 'open.example.com', expectedAt: noon, generation: 1 };
    await scene.ports.certificates.postpone({ ...change, nextActionAt: daysAfter(noon, 1) });
    await scene.ports.renewals.open(
      aRenewal({
        certificateName: 'open.example.com',
        step: 'reserve-limits',
        policy: aPolicy({ domains: ['open.example.com'] }),
      }),
    );
    await trackMany(3);
    const result = await scene.tick();
    expect(result).toMatchObject({ opened: [], resumed: ['open.example.com'], planned: 3 });
  });

  it('keeps a renewal that may not order yet at its own place', async () => {
    await hold(new Date(noon.getTime() + 280 * 36_000));
    await trackDead(scene, 1);
    expect(await scene.tick()).toMatchObject({ resumed: [], planned: 1 });
    const renewal = await scene.ports.renewals.get({ certificateName: 'x0.dead0.com', generation: 1 });
    expect(renewal?.nextActionAt).toEqual(new Date(noon.getTime() + 11 * 36_000));
  });

  it('resumes what has reserved its share whatever the limits say', async () => {
    await hold(daysAfter(noon, 1));
    await scene.track('a.example.com');
    const change = { name: 'a.example.com', expectedAt: noon, generation: 1 };
    await scene.ports.certificates.postpone({ ...change, nextActionAt: daysAfter(noon, 1) });
    await scene.ports.renewals.open(aRenewal({ certificateName: 'a.example.com', step: 'place-order' }));
    expect(await scene.tick()).toMatchObject({ resumed: ['a.example.com'], planned: 0 });
  });

  it('carries on with everything else when the limits cannot be read, and says so', async () => {
    await scene.track('new.example.com');
    await scene.ports.renewals.open(aRenewal({ certificateName: 'a.example.com', step: 'deploy' }));
    scene.ports.buckets.read = () => Promise.reject(new Error('throttled'));
    await expect(scene.tick()).rejects.toThrow('throttled');
    expect(scene.ports.queue.take('deploy-certificate')).toHaveLength(1);
    expect((await scene.read('new.example.com')).nextActionAt).toEqual(noon);
  });
});

describe('a tick at a CA that publishes no limits', () => {
  it('sends everything, and reads one bucket, which may be held off', async () => {
    const { track, tick, readKeys } = createScene();
    for (let index = 0; index < 400; index++) await track(`www.n${index}.com`);
    expect((await tick()).opened).toHaveLength(400);
    expect(readKeys).toEqual([ordersKey(ownCa, 'default')]);
  });

  it('waits for the end of a Retry-After', async () => {
    const { track, tick, ports, read } = createScene();
    const tat = new Date(noon.getTime() + 3_600_000);
    const key = ordersKey(ownCa, 'default');
    await ports.buckets.update(key, () => ({ state: { tat, spends: [], holds: {} }, result: undefined }));
    await track('www.a.com');
    expect(await tick()).toMatchObject({ opened: [], planned: 1 });
    expect((await read('www.a.com')).plannedAt).toEqual(tat);
  });
});

describe('a tick where other CAs may stand in', () => {
  const fallbacks = ['google-trust-services'];

  it('opens what cannot wait for the first choice at the next, and says why', async () => {
    const { track, tick, ports } = createScene({ firstChoice: letsEncrypt, fallbacks });
    for (let index = 0; index < 1000; index++) await track(`www.n${index}.com`);
    // Six hours of patience are 600 tokens; what was moved away makes room for nobody else.
    const { opened, planned } = await tick();
    expect({ opened: opened.length, planned }).toEqual({ opened: 270 + 130, planned: 600 });
    const renewals = await Promise.all(
      opened.map((certificateName) => ports.renewals.get({ certificateName, generation: 1 })),
    );
    const moved = renewals.filter((renewal) => (renewal?.passedOver.length ?? 0) > 0);
    expect(moved).toHaveLength(130);
    expect(moved[0]?.passedOver[0]).toMatchObject({
      directoryUrl: letsEncrypt,
      reason: expect.stringContaining('lets-encrypt/orders/default'),
    });
  });

  it('leaves those that can wait with their first choice', async () => {
    const { track, tick, issue } = createScene({ firstChoice: letsEncrypt, fallbacks });
    for (let index = 0; index < 1000; index++) {
      await track(`www.n${index}.com`);
      await issue(
        `www.n${index}.com`,
        { notAfter: daysAfter(noon, 20), notBefore: daysAfter(noon, -70) },
        noon,
      );
    }
    const { opened, planned } = await tick();
    expect({ opened: opened.length, planned }).toEqual({ opened: 270, planned: 730 });
  });
});

describe('a certificate about which the CA is to be asked', () => {
  const issuedBy = { directoryUrl: ownCa, accountUrl: `${ownCa}/a`, certificateId: 'aYhb.AIdl' };

  it('goes to the refresh queue, and comes back should the message be lost', async () => {
    const { track, issue, tick, ports, clock, read } = createScene();
    for (let index = 0; index < 60; index++) {
      await track(`n${index}.example.com`);
      await issue(`n${index}.example.com`, { issuedBy }, noon);
    }
    expect(await tick()).toMatchObject({ opened: [], polls: 60 });
    const messages = ports.refreshQueue.take();
    expect(messages.map((names) => names.length)).toEqual([50, 10]);
    expect(new Set(messages.flat()).size).toBe(60);
    expect((await read('n0.example.com')).nextActionAt).toEqual(new Date(noon.getTime() + 900_000));
    expect(await tick()).toMatchObject({ polls: 0 });
    clock.advance(900_000);
    expect(await tick()).toMatchObject({ polls: 60 });
  });

  it('waits until it may be asked again', async () => {
    const { track, issue, tick, ports, read } = createScene();
    await track('a.example.com');
    await issue('a.example.com', { issuedBy }, noon);
    const nextPollAt = daysAfter(noon, 0.25);
    const advice = { certificateId: 'aYhb.AIdl', nextPollAt, failures: 0 };
    await ports.certificates.recordAdvice({ read: await read('a.example.com'), advice, nextActionAt: noon });
    expect(await tick()).toMatchObject({ polls: 0 });
    expect((await read('a.example.com')).nextActionAt).toEqual(nextPollAt);
  });
});

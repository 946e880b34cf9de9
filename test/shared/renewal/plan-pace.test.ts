import { describe, expect, it } from 'vitest';
import { findAuthority } from '../../../shared/acme/catalogue.ts';
import { fullBucket } from '../../../shared/limits/bucket.ts';
import { ordersKey } from '../../../shared/limits/bucket-keys.ts';
import { createLimiter } from '../../../shared/limits/limiter.ts';
import { publishedLimits } from '../../../shared/limits/published-limits.ts';
import { chooseDemand } from '../../../shared/renewal/plan-demand.ts';
import { anIssuedCertificate, daysAfter, noon } from '../../support/builders.ts';
import { createScene, letsEncrypt, type Scene } from './schedule-scene.ts';

/** Renews at once whatever was sent, if the limits let it, every `twiceEvery`th with a second order before. */
function createWorker({ ports, clock, read }: Scene, { twiceEvery = Number.POSITIVE_INFINITY } = {}) {
  const limiter = createLimiter({ store: ports.buckets, limitsFor: publishedLimits, clock });
  const placedAt: Date[] = [];
  let denied = 0;
  const workOff = async () => {
    for (const { certificateName, generation } of ports.queue.take('renew-certificate')) {
      const certificate = await read(certificateName);
      const now = clock.now();
      const asOpened = { ...certificate, generation: generation - 1 };
      const demand = chooseDemand(asOpened, findAuthority(letsEncrypt), { now });
      const reservation = await limiter.reserve(demand);
      const lease = { owner: 'worker', now, until: now };
      const claimed = await ports.renewals.claim({ certificateName, generation }, lease);
      if (!claimed) throw new Error(`${certificateName} is not there`);
      if (reservation.kind === 'denied') {
        denied += 1;
        const { freeAt } = reservation;
        await ports.renewals.release({ ...claimed, nextActionAt: freeAt, restsUntil: freeAt });
        continue;
      }
      placedAt.push(now);
      if (placedAt.length % twiceEvery === 0)
        await ports.buckets.update(ordersKey('lets-encrypt', 'default'), (state = fullBucket) => ({
          state: { ...state, spends: [...state.spends, { holder: 'again', at: now }] },
          result: undefined,
        }));
      await limiter.commit(demand);
      const issued = anIssuedCertificate({ domains: certificate.policy.domains, generation, notBefore: now });
      await ports.certificates.recordIssued({
        read: certificate,
        issued,
        nextActionAt: daysAfter(now, 60),
      });
      await ports.renewals.release({ ...claimed, outcome: 'renewed', nextActionAt: undefined });
    }
  };
  return { workOff, placedAt, denials: () => denied };
}

/** Let's Encrypt's own count of orders, in fractions of a token; the fewest it ever had left. */
function fewestTokens(instants: readonly Date[]): number {
  let tokens = 300;
  let fewest = tokens;
  let lastMillis = instants[0]?.getTime() ?? 0;
  for (const at of instants) {
    tokens = Math.min(300, tokens + (at.getTime() - lastMillis) / 36_000) - 1;
    lastMillis = at.getTime();
    fewest = Math.min(fewest, tokens);
  }
  return fewest;
}

describe("a backlog of 3,000 new names under Let's Encrypt's limits", () => {
  it('is worked off at the published pace, each looked at three times at most, by the date the dry run named', async () => {
    const scene = createScene({ firstChoice: letsEncrypt });
    const { ports, clock, track, tick, plan } = scene;
    const looks = new Map<string, number>();
    const { postpone } = ports.certificates;
    ports.certificates.postpone = (change) => {
      looks.set(change.name, (looks.get(change.name) ?? 0) + 1);
      return postpone(change);
    };
    for (let index = 0; index < 3000; index++) await track(`n${index}.d${index % 60}.com`);
    const { finishedAt, due, admittedNow } = await plan();
    expect({ due, admittedNow }).toEqual({ due: 3000, admittedNow: 270 });
    const plannedMillis = new Date(finishedAt ?? noon).getTime() - noon.getTime();

    const worker = createWorker(scene);
    while (worker.placedAt.length < 3000 && clock.now() < daysAfter(noon, 10)) {
      await tick({ tickSeconds: 120 });
      await worker.workOff();
      clock.advance(120_000);
    }
    expect(worker.placedAt).toHaveLength(3000);
    expect(worker.denials()).toBe(0);
    expect(fewestTokens(worker.placedAt)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...looks.values())).toBeLessThanOrEqual(3);
    const tookMillis = (worker.placedAt.at(-1)?.getTime() ?? 0) - noon.getTime();
    expect(Math.abs(tookMillis / plannedMillis - 1)).toBeLessThan(0.05);
    // (3000 - 270) orders at one every 36 s.
    expect(tookMillis).toBeLessThan(2730 * 36_000 * 1.05);
  });

  it('is looked at hardly more often when every tenth has to order twice', async () => {
    const scene = createScene({ firstChoice: letsEncrypt });
    const looks = new Map<string, number>();
    const { postpone } = scene.ports.certificates;
    scene.ports.certificates.postpone = (change) => {
      looks.set(change.name, (looks.get(change.name) ?? 0) + 1);
      return postpone(change);
    };
    for (let index = 0; index < 600; index++) await scene.track(`www.n${index}.com`);
    const worker = createWorker(scene, { twiceEvery: 10 });
    while (worker.placedAt.length < 600 && scene.clock.now() < daysAfter(noon, 2)) {
      await scene.tick();
      await worker.workOff();
      scene.clock.advance(60_000);
    }
    expect(worker.placedAt).toHaveLength(600);
    const total = [...looks.values()].reduce((sum, count) => sum + count, 0);
    expect(total / 600).toBeLessThan(3);
    expect(Math.max(...looks.values())).toBeLessThanOrEqual(6);
  });

  it('is planned once, though a tick takes only a part of it', async () => {
    const { ports, track, tick, clock } = createScene({ firstChoice: letsEncrypt });
    for (let index = 0; index < 600; index++) await track(`www.n${index}.com`);
    for (let count = 0; count < 12; count++) {
      await tick({ limitPerShard: 5 });
      clock.advance(60_000);
    }
    const fleet = await Array.fromAsync(ports.certificates.list());
    const places = fleet.flatMap(({ plannedAt }) => plannedAt?.getTime() ?? []);
    expect(new Set(places).size).toBe(places.length);
    expect(places.length).toBeGreaterThan(300);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findAuthority } from '../../../shared/acme/catalogue.ts';
import { type Bucket, fullBucket } from '../../../shared/limits/bucket.ts';
import { domainKey, ordersKey } from '../../../shared/limits/bucket-keys.ts';
import { publishedLimits } from '../../../shared/limits/published-limits.ts';
import { type Candidate, toCandidate } from '../../../shared/renewal/candidates.ts';
import { planAdmissions } from '../../../shared/renewal/plan.ts';
import {
  aCertificate,
  anIssuedCertificate,
  aPolicy,
  aRenewal,
  daysAfter,
  noon,
} from '../../support/builders.ts';
import { letsEncrypt, ownCa } from './schedule-scene.ts';

const preferred = [findAuthority(letsEncrypt)];
const orders = ordersKey('lets-encrypt', 'default');
const minutesAfter = (minutes: number) => new Date(noon.getTime() + minutes * 60_000);
const secondsAt = (at: Date) => (at.getTime() - noon.getTime()) / 1000;

function aCandidate(name: string, changes: Partial<Candidate> & { failing?: boolean } = {}): Candidate {
  const certificate = aCertificate({
    name,
    policy: aPolicy({ domains: [name] }),
    current: undefined,
    generation: 0,
  });
  const reason = { code: 'missing', message: 'none yet' } as const;
  return { ...toCandidate(certificate, reason, { now: noon, preferred }), ...changes };
}
const aFleet = (count: number, prefix = 'n') =>
  Array.from({ length: count }, (_, index) => aCandidate(`www.${prefix}${index}.com`));
const planOf = (candidates: readonly Candidate[], buckets: Record<string, Bucket> = {}) =>
  planAdmissions(candidates, {
    buckets: new Map(Object.entries(buckets)),
    limitsFor: publishedLimits,
    preferred,
    now: noon,
  });

describe('a plan', () => {
  it('sends off nine tenths of the burst and the rest at the pace of the refill', () => {
    const { places } = planOf(aFleet(300));
    const instants = places.map(({ at }) => secondsAt(at)).sort((one, other) => one - other);
    expect(instants.filter((at) => at === 0)).toHaveLength(270);
    expect(instants.slice(270)).toEqual(Array.from({ length: 30 }, (_, index) => (index + 1) * 36));
    expect(places.filter(({ bucket }) => bucket === orders)).toHaveLength(30);
  });

  it('puts new ones behind those that earlier plans have booked', () => {
    const first = planOf(aFleet(300));
    const [booking] = first.bookings;
    expect(first.bookings).toHaveLength(1);
    expect(booking).toMatchObject({ bucket: orders, read: undefined });
    const spent = { ...fullBucket, tat: minutesAfter(162), plannedUntil: booking?.until };
    const { places } = planOf(aFleet(2, 'm'), { [orders]: spent });
    expect(places.map(({ at }) => secondsAt(at))).toEqual([31 * 36, 32 * 36]);
  });

  it('asks of one whose place has come only what the buckets hold now', () => {
    const state = { ...fullBucket, tat: minutesAfter(161), plannedUntil: minutesAfter(900) };
    const { places } = planOf([aCandidate('www.a.com', { standing: 'called' }), aCandidate('www.b.com')], {
      [orders]: state,
    });
    expect(places[0]).toMatchObject({ item: { name: 'www.a.com' }, at: noon });
    expect(secondsAt(places[1]?.at ?? noon)).toBe((900 - 162) * 60 + 36);
  });

  it('serves those first who found the token gone when their place had come, in their order', () => {
    const state = { ...fullBucket, tat: minutesAfter(161.4), plannedUntil: minutesAfter(900) };
    const displacedUntil = minutesAfter(162.6);
    const { places, bookings } = planOf(
      [aCandidate('www.a.com', { standing: 'called' }), aCandidate('www.b.com', { standing: 'displaced' })],
      { [orders]: { ...state, displacedUntil } },
    );
    expect(places.find(({ item }) => item.name === 'www.b.com')).toMatchObject({ at: noon });
    const called = places.find(({ item }) => item.name === 'www.a.com');
    expect(called).toMatchObject({ at: minutesAfter(1.2), bucket: orders });
    expect(bookings).toMatchObject([{ queue: 'displaced', until: minutesAfter(163.2) }]);
  });

  it('forgets what was booked in a bucket that has lain full for a quarter of an hour', () => {
    const { places } = planOf(aFleet(1), {
      [orders]: { ...fullBucket, tat: minutesAfter(-16), plannedUntil: minutesAfter(900) },
    });
    expect(places).toMatchObject([{ at: noon }]);
  });

  it('lets those that keep failing book nothing, and take what the others leave', () => {
    const dead = aFleet(300, 'dead').map((each) => ({ ...each, failing: true }));
    const { places, bookings } = planOf([...dead, ...aFleet(100)]);
    const now = places.filter(({ at }) => at <= noon);
    expect(now.filter(({ item }) => !item.failing)).toHaveLength(100);
    expect(now).toHaveLength(270);
    expect(bookings).toMatchObject([{ bucket: orders, until: minutesAfter(60) }]);
  });

  it('lets one who waits for its domain hold up nobody else', () => {
    const domain = domainKey('lets-encrypt', 'full.com');
    const { places, bookings } = planOf([aCandidate('www.full.com'), aCandidate('www.free.com')], {
      [domain]: { ...fullBucket, tat: daysAfter(noon, 7) },
    });
    expect(places.find(({ item }) => item.name === 'www.free.com')).toMatchObject({ at: noon });
    const waiting = places.find(({ item }) => item.name === 'www.full.com');
    expect(waiting).toMatchObject({ bucket: domain });
    expect(bookings.find(({ bucket }) => bucket === orders)?.until).toEqual(minutesAfter(0.6));
  });

  it('spreads those who would all come at the end of a Retry-After', () => {
    const candidates = aFleet(50).map((each) => ({ ...each, demand: { ...each.demand, ca: ownCa } }));
    const heldOff = { ...fullBucket, tat: minutesAfter(60) };
    const { places } = planOf(candidates, { [ordersKey(ownCa, 'default')]: heldOff });
    const instants = places.map(({ at }) => at.getTime());
    expect(new Set(instants).size).toBeGreaterThan(45);
    expect(Math.min(...instants)).toBeGreaterThanOrEqual(minutesAfter(60).getTime());
    expect(Math.max(...instants)).toBeLessThanOrEqual(minutesAfter(63).getTime());
  });

  it('does not depend on how the candidates were listed', () => {
    const fleet = [
      ...aFleet(290),
      ...Array.from({ length: 60 }, (_, index) => aCandidate(`h${index}.one.com`)),
    ];
    const placesOf = (candidates: readonly Candidate[]) =>
      new Map(planOf(candidates).places.map(({ item, at }) => [item.name, at.getTime()]));
    const expected = placesOf(fleet);
    fc.assert(
      fc.property(fc.shuffledSubarray(fleet, { minLength: fleet.length }), (shuffled) => {
        expect(placesOf(shuffled)).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });
});

describe('what a renewal asks of the limits', () => {
  const issuedBy = {
    directoryUrl: letsEncrypt,
    accountUrl: `${letsEncrypt}/a`,
    certificateId: 'aYhb.AIdl',
  };
  const reason = { code: 'expiring', message: 'soon' } as const;
  const window = { start: minutesAfter(-10), end: minutesAfter(10) };
  const advice = { certificateId: 'aYhb.AIdl', window, nextPollAt: noon, failures: 0 };
  const domains = ['www.example.com'];
  const current = anIssuedCertificate({ domains, issuedBy, notBefore: daysAfter(noon, -60) });
  const certificate = aCertificate({ current, advice });
  const choose = (changes: object = {}, given: object = {}) =>
    toCandidate({ ...certificate, ...changes }, reason, { now: noon, preferred, ...given }).demand;

  it('is nothing inside the window the CA announced', () => {
    expect(choose()).toMatchObject({ ca: 'lets-encrypt', account: 'default', exemption: 'ari', domains });
  });

  it('is no order outside it, for the names of a certificate of the last 120 days', () => {
    expect(choose({ advice: undefined })).toMatchObject({ exemption: 'same-set' });
    const old = { ...current, notBefore: daysAfter(noon, -121) };
    expect(choose({ advice: undefined, current: old })).toMatchObject({ exemption: 'none' });
    const policy = aPolicy({ domains: [...domains, 'more.example.com'] });
    expect(choose({ advice: undefined, policy })).toMatchObject({ exemption: 'none' });
  });

  it('is everything at another CA', () => {
    const policy = aPolicy({ ca: 'google-trust-services' });
    expect(choose({ policy })).toMatchObject({ ca: 'google-trust-services', exemption: 'none' });
    expect(choose({ policy: aPolicy({ ca: 'zerossl' }) })).toMatchObject({ ca: 'zerossl' });
  });

  it('is asked at the CA that the open renewal has chosen, for the names it still orders', () => {
    const open = aRenewal({
      policy: aPolicy({ domains: ['www.example.com', 'dead.example.com'] }),
      ca: { directoryUrl: ownCa, rehearsal: false },
      leftOut: ['dead.example.com'],
      step: 'reserve-limits',
    });
    expect(choose({}, { open })).toMatchObject({ ca: ownCa, domains, holder: 'www.example.com#1' });
  });

  it('is asked at the staging CA where the next attempt is a rehearsal', () => {
    const open = aRenewal({ rehearse: true });
    expect(choose({}, { open })).toMatchObject({ ca: 'lets-encrypt-staging' });
  });
});

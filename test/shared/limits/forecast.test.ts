import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bucket, charge, fullBucket, inspect } from '../../../shared/limits/bucket.ts';
import { metersOf } from '../../../shared/limits/demand.ts';
import { type Admission, forecast, type PlannedDemand } from '../../../shared/limits/forecast.ts';
import { type CaLimits, publishedLimits } from '../../../shared/limits/published-limits.ts';
import { noon } from '../../support/builders.ts';

const aDemand = (changes: Partial<PlannedDemand> = {}): PlannedDemand => ({
  ca: 'lets-encrypt',
  account: 'acct/1',
  domains: ['www.example.com'],
  exemption: 'none',
  holder: 'www.example.com#1',
  ...changes,
});
const inDomain = (domain: string, count: number) =>
  Array.from({ length: count }, (_, index) =>
    aDemand({ domains: [`h${index}.${domain}`], holder: `${domain}${index}` }),
  );
const plan = (demands: readonly PlannedDemand[], limitsFor: (ca: string) => CaLimits = publishedLimits) =>
  forecast(demands, { buckets: new Map(), limitsFor, now: noon });
const secondsOf = ({ at }: Admission) => (at.getTime() - noon.getTime()) / 1000;

describe('a forecast', () => {
  it('of nothing is finished now', () => {
    expect(plan([])).toEqual({ admitted: [], finishedAt: noon });
  });

  it('admits a burst at once and then follows the refill, naming the bucket that binds', () => {
    const { admitted, finishedAt } = plan(inDomain('example.com', 47));
    expect(admitted.slice(0, 45).every((each) => secondsOf(each) === 0 && !each.bucket)).toBe(true);
    expect(admitted.slice(45).map(secondsOf)).toEqual([12_096, 24_192]);
    expect(admitted[45]?.bucket).toBe('lets-encrypt/domain/example.com');
    expect(finishedAt).toEqual(admitted[46]?.at);
  });

  it('lets nobody who waits for a domain hold up the orders of others', () => {
    const many = Array.from({ length: 300 }, (_, index) =>
      aDemand({ domains: [`site${index}.com`], holder: `s${index}` }),
    );
    const { admitted } = plan([...inDomain('example.com', 50), ...many]);
    const others = admitted.filter(({ demand }) => !demand.domains[0]?.endsWith('.example.com'));
    expect(others.filter((each) => secondsOf(each) === 0)).toHaveLength(225);
    expect(others.slice(225, 228).map(secondsOf)).toEqual([36, 72, 108]);
    expect(others[225]?.bucket).toBe('lets-encrypt/orders/acct/1');
    // The domain's sixth slot from now on finds an order at once.
    expect(secondsOf(admitted.at(-1) as Admission)).toBe(5 * 12_096);
  });

  it('serves whoever comes first when a domain and the orders free at the same instant', () => {
    const many = Array.from({ length: 700 }, (_, index) =>
      aDemand({ domains: [`site${index}.com`], holder: `s${index}` }),
    );
    const { admitted } = plan([...inDomain('example.com', 46), ...many]);
    const last = admitted.find(({ demand }) => demand.holder === 'example.com45');
    expect(secondsOf(last as Admission)).toBe(12_096);
  });

  it('starts from the buckets as they are, held tokens spent now', () => {
    const key = 'lets-encrypt/domain/example.com';
    const holds = Object.fromEntries(Array.from({ length: 45 }, (_, index) => [`${index}`, new Date(8e15)]));
    const buckets = new Map<string, Bucket>([[key, { spends: [], holds }]]);
    const { admitted } = forecast([aDemand()], { buckets, limitsFor: publishedLimits, now: noon });
    expect(admitted.map(secondsOf)).toEqual([12_096]);
  });

  it('waits for the instant that was chosen for a demand, and books nothing for it until then', () => {
    const later = aDemand({ notBefore: new Date(noon.getTime() + 60_000), holder: 'later' });
    const { admitted } = plan([later, ...inDomain('example.com', 45)]);
    expect(secondsOf(admitted[44] as Admission)).toBe(0);
    expect(admitted[45]).toMatchObject({ demand: { holder: 'later' } });
  });

  it('admits at once what the CA exempts', () => {
    const { admitted } = plan([...inDomain('example.com', 50), aDemand({ exemption: 'ari', holder: 'ari' })]);
    expect(secondsOf(admitted.find(({ demand }) => demand.holder === 'ari') as Admission)).toBe(0);
  });
});

/** Small enough for every limit to bind. */
const tight: CaLimits = {
  ordersPerAccount: { burst: 4, periodSeconds: 40 },
  certificatesPerDomain: { burst: 3, periodSeconds: 90 },
  certificatesPerSet: { burst: 2, periodSeconds: 140 },
  requests: {},
  namesPerCertificate: 100,
  orderLifetimeSeconds: 1000,
};

const demands = fc.array(
  fc.record({
    account: fc.constantFrom('1', '2'),
    hosts: fc.uniqueArray(fc.constantFrom('a.x.com', 'b.x.com', 'a.y.com', 'b.y.com', 'z.com'), {
      minLength: 1,
      maxLength: 3,
    }),
    exemption: fc.constantFrom('none', 'none', 'none', 'same-set', 'ari'),
    waitSeconds: fc.constantFrom(0, 0, 0, 17, 200),
  }),
  { minLength: 1, maxLength: 24 },
);
const spentBefore = fc.dictionary(
  fc.constantFrom('lets-encrypt/orders/1', 'lets-encrypt/domain/x.com', 'lets-encrypt/domain/y.com'),
  fc.integer({ min: 0, max: 3 }),
);

function replay(admitted: readonly Admission[], buckets: ReadonlyMap<string, Bucket>): boolean {
  const states = new Map(buckets);
  return admitted.every(({ demand, at }) =>
    metersOf(demand, tight).every(({ key, limit }) => {
      const state = states.get(key) ?? fullBucket;
      states.set(key, charge(state, { limit, now: at }));
      return inspect(state, { limit, now: at }).allowed;
    }),
  );
}

const inTime = (admitted: readonly Admission[]) =>
  admitted.toSorted((a, b) => a.at.getTime() - b.at.getTime());

describe('any forecast', () => {
  const cases = fc.record({ demands, spentBefore }).map(({ demands, spentBefore }) => ({
    wanted: demands.map(({ account, hosts, exemption, waitSeconds }, index) =>
      aDemand({
        account,
        domains: hosts,
        exemption: exemption as PlannedDemand['exemption'],
        holder: `${index}`,
        notBefore: new Date(noon.getTime() + waitSeconds * 1000),
      }),
    ),
    buckets: new Map<string, Bucket>(
      Object.entries(spentBefore).map(([key, tokens]) => {
        const limit = key.includes('orders') ? tight.ordersPerAccount : tight.certificatesPerDomain;
        let bucket = fullBucket;
        for (let spent = 0; spent < tokens && limit; spent++) bucket = charge(bucket, { limit, now: noon });
        return [key, bucket];
      }),
    ),
  }));

  it('comes true: replayed in its order, no bucket denies it, and everybody is admitted once', () => {
    fc.assert(
      fc.property(cases, ({ wanted, buckets }) => {
        const { admitted } = forecast(wanted, { buckets, limitsFor: () => tight, now: noon });
        expect(admitted.map(({ demand }) => demand.holder).sort()).toEqual(
          wanted.map(({ holder }) => holder).sort(),
        );
        expect(admitted).toEqual(inTime(admitted));
        expect(replay(admitted, buckets)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('is tight: with one account, nobody could be admitted a second earlier with all others where they are', () => {
    fc.assert(
      fc.property(cases, ({ wanted, buckets }) => {
        // What the CA exempts follows from the names.
        const sameAccount = wanted.map((demand) => ({
          ...demand,
          account: '1',
          exemption: demand.domains.length === 2 ? ('same-set' as const) : ('none' as const),
        }));
        const { admitted } = forecast(sameAccount, { buckets, limitsFor: () => tight, now: noon });
        for (const one of admitted) {
          const others = admitted.filter((each) => each !== one);
          const earliest = one.demand.notBefore?.getTime() ?? noon.getTime();
          for (let at = earliest; at <= one.at.getTime() - 1000; at += 1000)
            expect(replay(inTime([{ ...one, at: new Date(at) }, ...others]), buckets)).toBe(false);
        }
      }),
      { numRuns: 150 },
    );
  });
});

it('ten thousand demands over as many buckets take well under a second', () => {
  const wanted = Array.from({ length: 10_000 }, (_, index) =>
    aDemand({ domains: [`h${index}.site${index % 5000}.com`], holder: `${index}` }),
  );
  const startedAt = process.cpuUsage();
  const { admitted } = plan(wanted);
  const { user, system } = process.cpuUsage(startedAt);
  expect(admitted).toHaveLength(10_000);
  expect((user + system) / 1e6).toBeLessThan(2);
});

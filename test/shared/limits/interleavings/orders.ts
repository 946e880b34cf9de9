import { createMemoryBucketItems } from '../../../../shared/limits/bucket-store.memory.ts';
import { createBucketStore } from '../../../../shared/limits/bucket-store.ts';
import type { Demand, MeterKind } from '../../../../shared/limits/demand.ts';
import { metersOf } from '../../../../shared/limits/demand.ts';
import { intervalMillisOf, type Limit, usableLimit } from '../../../../shared/limits/gcra.ts';
import { createLimiter, type Limiter } from '../../../../shared/limits/limiter.ts';
import { type CaLimits, publishedLimits } from '../../../../shared/limits/published-limits.ts';
import { Failure } from '../../../../shared/runtime/errors.ts';
import { createOracle, type Oracle } from './oracle.ts';
import { seededRandom, World } from './world.ts';

export interface Tally {
  counted: number;
  denied: number;
  crashes: number;
  overIssued: number;
  /** How often the CA had no whole token left after it had counted one. */
  emptied: number;
}

interface Job {
  readonly demand: Demand;
  readonly fate: 'issues' | 'fails';
  step: 'reserve' | 'ordered' | 'done';
  countedAtCa: boolean;
  isReserving: boolean;
  /** True time until which its order may be issued. */
  livesUntil: number;
  /** True time at which the reservation under way began. */
  reservingSince: number | undefined;
}

const { requests: _, ...rows } = publishedLimits('lets-encrypt');
const rowOf = {
  orders: 'ordersPerAccount',
  domain: 'certificatesPerDomain',
  set: 'certificatesPerSet',
  failures: 'failedAuthorizations',
} as const satisfies Record<MeterKind, keyof CaLimits>;

const limitOf = (kind: MeterKind): Limit => {
  const limit = rows[rowOf[kind]];
  if (!limit) throw new Error(`no limit of ${kind}`);
  return limit;
};

/** Every demand meets in one bucket of `kind`, the only one there is. */
function aDemand(kind: MeterKind, index: number): Demand {
  const own = kind === 'set' || kind === 'failures' ? 'www' : `www${index}`;
  return {
    ca: 'lets-encrypt',
    account: 'https://ca.example/acct/1',
    domains: [`${own}.example.com`],
    exemption: 'none',
    holder: `certificate-${index}#1`,
  };
}

/** One interleaving of 2 to 16 workers around one nearly empty bucket; what happened is added to `tally`. */
export async function interleaveOrders(kind: MeterKind, seed: number, tally: Tally): Promise<void> {
  const world = new World(seededRandom(seed));
  const published = limitOf(kind);
  const usable = usableLimit(published);
  const refillMillis = intervalMillisOf(published);
  const margin = published.burst - usable.burst;
  // The CA has exactly the tokens more that the differences of this run call for.
  const spare = [0, 1, margin][world.below(3)] ?? 0;
  const differenceMillis = spare === 0 ? 0 : world.random() * spare * refillMillis;
  const delayMillis = kind === 'orders' ? world.random() * differenceMillis : 0;
  const left = world.below(Math.min(usable.burst, 4) + 1);
  const items = createMemoryBucketItems();
  const jobs = Array.from(
    { length: 2 + world.below(9) },
    (_, index): Job => ({
      demand: aDemand(kind, index),
      fate: world.random() < (kind === 'failures' ? 0.7 : 0.3) ? 'fails' : 'issues',
      step: 'reserve',
      countedAtCa: false,
      isReserving: false,
      livesUntil: 0,
      reservingSince: undefined,
    }),
  );
  const limits: CaLimits = {
    requests: {},
    namesPerCertificate: 100,
    orderLifetimeSeconds:
      spare === 0
        ? (world.random() * refillMillis) / 1000
        : publishedLimits('lets-encrypt').orderLifetimeSeconds,
    [rowOf[kind]]: published,
  };
  const [shared] = metersOf(aDemand(kind, 0), limits);
  const tatMillis = world.nowMillis + (usable.burst - left) * refillMillis;
  await items.put(shared?.key ?? '', { tat: new Date(tatMillis), spends: [], holds: {} }, undefined);
  const oracle = createOracle({
    burst: usable.burst + spare,
    refillMillis,
    tokens: left + spare,
    nowMillis: () => world.nowMillis,
  });

  const offsets: number[] = [];
  const jump = (worker: number) => {
    offsets[worker] = Math.trunc((world.random() - 0.5) * (differenceMillis - delayMillis));
  };
  const limiterOf = (worker: number): Limiter => {
    jump(worker);
    const clock = world.clockOf(worker, () => offsets[worker] ?? 0);
    const store = createBucketStore(world.itemsOf(worker, items), { clock, random: world.random });
    return createLimiter({ store, clock, limitsFor: () => limits });
  };
  const before = tally.overIssued;
  const workers = Array.from({ length: 2 + world.below(15) }, (_, id) => ({
    id,
    limiter: limiterOf(id),
    job: undefined as Job | undefined,
  }));
  let created = workers.length;

  const busy = () => new Set(workers.map(({ job }) => job));
  for (let turn = 0; turn < 160 && jobs.some(({ step }) => step !== 'done'); turn++) {
    const chance = world.random();
    const worker = workers[world.below(workers.length)];
    if (!worker) continue;
    if (chance < 0.08) world.nowMillis += patience(world, { jobs, refillMillis, delayMillis });
    else if (chance < 0.12) jump(worker.id);
    else if (chance < 0.16 && worker.job) {
      // Stopped where it stands, or late to notice that it was given up; somebody else goes on from what is kept.
      if (!worker.job.isReserving || world.random() < 0.5) world.crash(worker.id);
      tally.crashes += 1;
      worker.job.reservingSince = undefined;
      worker.job = undefined;
      worker.id = created++;
      worker.limiter = limiterOf(worker.id);
    } else if (chance < 0.4 && !worker.job) {
      const open = jobs.filter((job) => job.step !== 'done' && !busy().has(job));
      const job = open[world.below(open.length)];
      if (!job) continue;
      worker.job = job;
      const { id, limiter } = worker;
      const isCurrent = () => worker.id === id;
      void runJob(job, { world, id, isCurrent, limiter, kind, limits, oracle, tally }).finally(() => {
        if (isCurrent()) worker.job = undefined;
      });
      await world.step();
    } else await world.step();
  }
  if (tally.overIssued > before) throw new Error(`${kind}: one too many for the CA, seed ${seed}`);
}

/** Time may pass at will, but not while an order's token is on its way for longer than this run allows. */
function patience(
  world: World,
  { jobs, refillMillis, delayMillis }: { jobs: Job[]; refillMillis: number; delayMillis: number },
): number {
  const since = jobs.flatMap(({ reservingSince }) => reservingSince ?? []);
  const rest =
    since.length > 0 ? Math.min(...since) + delayMillis - world.nowMillis : Number.POSITIVE_INFINITY;
  return Math.max(0, Math.floor(Math.min(rest, world.random() ** 3 * refillMillis)));
}

interface Surroundings {
  readonly world: World;
  readonly id: number;
  /** Whether it still has its lease. */
  readonly isCurrent: () => boolean;
  readonly limiter: Limiter;
  readonly kind: MeterKind;
  readonly limits: CaLimits;
  readonly oracle: Oracle;
  readonly tally: Tally;
}

async function runJob(job: Job, surroundings: Surroundings): Promise<void> {
  try {
    if (job.step === 'reserve') await order(job, surroundings);
    if (job.step === 'ordered') await finish(job, surroundings);
  } catch (error) {
    // Somebody comes back to it, as after every passing failure.
    if (!(error instanceof Failure && error.code === 'store-busy')) throw error;
  }
}

async function order(
  job: Job,
  { world, id, isCurrent, limiter, kind, limits, oracle, tally }: Surroundings,
): Promise<void> {
  // Only an order's token is spent here before it is counted there.
  job.reservingSince = kind === 'orders' ? world.nowMillis : undefined;
  const livesUntil = world.nowMillis + 1000 * limits.orderLifetimeSeconds;
  job.isReserving = true;
  const reservation = await limiter.reserve(job.demand);
  if (!isCurrent()) return;
  job.isReserving = false;
  if (reservation.kind === 'denied') {
    job.reservingSince = undefined;
    tally.denied += 1;
    return;
  }
  await world.point(id);
  if (world.random() < 0.15) {
    job.reservingSince = undefined;
    await limiter.release(job.demand, { orderCreated: false });
    return;
  }
  tally.counted += 1;
  const accepted = kind === 'orders' ? oracle.take() : oracle.count() >= 1 - 1e-6;
  if (!accepted) tally.overIssued += 1;
  if (oracle.count() < 1) tally.emptied += 1;
  job.reservingSince = undefined;
  await world.point(id);
  job.livesUntil = livesUntil;
  job.step = 'ordered';
}

async function finish(job: Job, { world, id, limiter, kind, oracle, tally }: Surroundings): Promise<void> {
  await world.point(id);
  const { demand, fate, livesUntil } = job;
  if (!job.countedAtCa && world.nowMillis > livesUntil) {
    await limiter.release(demand, { orderCreated: true });
    job.step = 'done';
    return;
  }
  const counts = fate === 'fails' ? kind === 'failures' : kind === 'domain' || kind === 'set';
  if (counts && !job.countedAtCa) {
    if (!oracle.take()) tally.overIssued += 1;
    if (oracle.count() < 1) tally.emptied += 1;
  }
  job.countedAtCa = true;
  await world.point(id);
  if (fate === 'fails') {
    await limiter.recordFailedAuthorizations(demand.ca, demand.account, demand.domains);
    await limiter.release(demand, { orderCreated: true });
  } else await limiter.commit(demand);
  job.step = 'done';
}

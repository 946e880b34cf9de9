import { createMemoryBucketItems } from '../../../../shared/limits/bucket-store.memory.ts';
import { createBucketStore } from '../../../../shared/limits/bucket-store.ts';
import { intervalMillisOf } from '../../../../shared/limits/gcra.ts';
import { publishedLimits } from '../../../../shared/limits/published-limits.ts';
import { chunkRulesOf } from '../../../../shared/limits/request-chunk.ts';
import { createRequestPacer } from '../../../../shared/limits/request-pacer.ts';
import { createOracle } from './oracle.ts';
import type { Tally } from './orders.ts';
import { seededRandom, World } from './world.ts';

const endpoint = 'newNonce';
const rate = { perSecond: 20, burst: 10 };

/** One interleaving of 2 to 16 processes that lease chunks of one endpoint's requests per second. */
export async function interleaveRequests(seed: number, tally: Tally): Promise<void> {
  const world = new World(seededRandom(seed));
  const { limit, lifeMillis } = chunkRulesOf(rate);
  const refillMillis = intervalMillisOf(limit);
  const marginMillis = (rate.burst - limit.burst) * refillMillis - lifeMillis;
  const differenceMillis = world.random() < 0.5 ? 0 : world.random() * marginMillis;
  const delayMillis = world.random() * differenceMillis;
  const items = createMemoryBucketItems();
  const oracle = createOracle({
    burst: limit.burst + (lifeMillis + differenceMillis) / refillMillis,
    refillMillis: 1000 / rate.perSecond,
    tokens: limit.burst + (lifeMillis + differenceMillis) / refillMillis,
    nowMillis: () => world.nowMillis,
  });
  const offsets: number[] = [];
  const jump = (worker: number) => {
    offsets[worker] = Math.trunc((world.random() - 0.5) * (differenceMillis - delayMillis));
  };
  /** True times at which requests now on their way were let go. */
  const onTheWay = new Map<object, { id: number; sinceMillis: number }>();
  const start = (id: number) => {
    jump(id);
    const clock = world.clockOf(id, () => offsets[id] ?? 0, { sleepsTruly: true });
    const store = createBucketStore(world.itemsOf(id, items), { clock, random: world.random });
    const limits = { ...publishedLimits('custom'), requests: { [endpoint]: rate } };
    const pace = createRequestPacer({ store, ca: 'lets-encrypt', limits, clock, random: world.random });
    return { id, pace, alive: true };
  };
  type Process = ReturnType<typeof start>;
  const { signal } = new AbortController();
  let finished = 0;
  const request = async (process: Process) => {
    await process.pace(endpoint, signal);
    if (!process.alive) return;
    const token = {};
    onTheWay.set(token, { id: process.id, sinceMillis: world.nowMillis });
    await world.point(process.id);
    tally.counted += 1;
    onTheWay.delete(token);
    if (!oracle.take()) tally.overIssued += 1;
    if (oracle.count() < 1) tally.emptied += 1;
    finished += 1;
  };
  const before = tally.overIssued;
  const processes = Array.from({ length: 2 + world.below(15) }, (_, id) => start(id));
  let created = processes.length;
  let asked = 0;
  const wanted = 6 + world.below(30);
  for (let turn = 0; turn < 400 && finished < wanted; turn++) {
    const chance = world.random();
    const index = world.below(processes.length);
    const process = processes[index];
    if (!process) continue;
    if (chance < 0.03) jump(process.id);
    else if (chance < 0.04) {
      world.crash(process.id);
      process.alive = false;
      tally.crashes += 1;
      for (const [token, { id }] of onTheWay) if (id === process.id) onTheWay.delete(token);
      processes[index] = start(created++);
    } else if (chance < 0.3 && asked < 3 * wanted) {
      asked += 1;
      void request(process);
    } else if (chance < 0.33 || !(await world.step())) {
      const oldest = Math.min(...[...onTheWay.values()].map(({ sinceMillis }) => sinceMillis));
      const rest = oldest + delayMillis - world.nowMillis;
      const until = (world.nextDueAtMillis() ?? world.nowMillis) - world.nowMillis;
      world.nowMillis += Math.max(
        0,
        Math.floor(Math.min(rest, Math.max(until, world.random() * refillMillis))),
      );
    }
  }
  if (tally.overIssued > before) throw new Error(`requests: one too many for the CA, seed ${seed}`);
}

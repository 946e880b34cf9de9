import { describe, expect, it } from 'vitest';
import { createMemoryBucketItems } from '../../../shared/limits/bucket-store.memory.ts';
import { type BucketItems, createBucketStore } from '../../../shared/limits/bucket-store.ts';
import { type CaLimits, publishedLimits } from '../../../shared/limits/published-limits.ts';
import { createRequestPacer } from '../../../shared/limits/request-pacer.ts';
import { Failure } from '../../../shared/runtime/errors.ts';
import { noon } from '../../support/builders.ts';
import { seededRandom } from './interleavings/world.ts';
import { createVirtualTime } from './virtual-time.ts';

const { signal: never } = new AbortController();
const latencyMillis = 5;

/** Processes that share one table, which answers after 5 ms and throttles a share of the writes. */
function aFleet({ processes, throttled = 0 }: { processes: number; throttled?: number }) {
  const clock = createVirtualTime(noon);
  const random = seededRandom(7);
  const items = createMemoryBucketItems();
  let writes = 0;
  let advances = 0;
  const write = async <T>(effect: () => Promise<T>): Promise<T> => {
    writes += 1;
    await clock.sleep(latencyMillis);
    if (random() < throttled)
      throw new Failure({ code: 'store-unavailable', disposition: 'retry', message: 'throttled' });
    const answer = await effect();
    if (answer) advances += 1;
    await clock.sleep(latencyMillis);
    return answer;
  };
  const remote: BucketItems = {
    async get(keys) {
      await clock.sleep(latencyMillis);
      return items.get(keys);
    },
    put: (key, bucket, version) => write(() => items.put(key, bucket, version)),
    advance: (key, advance) => write(() => items.advance(key, advance)),
  };
  const limits: CaLimits = publishedLimits('lets-encrypt');
  const pacers = Array.from({ length: processes }, () =>
    createRequestPacer({
      store: createBucketStore(remote, { clock, random }),
      ca: 'lets-encrypt',
      limits,
      clock,
      random,
    }),
  );
  return { clock, pacers, counts: () => ({ writes, grants: advances }) };
}

describe('a request', () => {
  it('of an endpoint without a limit passes at once', async () => {
    const clock = createVirtualTime(noon);
    const store = createBucketStore(createMemoryBucketItems(), { clock, random: () => 0 });
    const limits = publishedLimits('custom');
    const pace = createRequestPacer({ store, ca: 'custom', limits, clock, random: () => 0 });
    await pace('newOrder', never);
  });

  it('is held back to the published rate after half a burst', async () => {
    const { clock, pacers } = aFleet({ processes: 4 });
    const passedAt: number[] = [];
    for (let index = 0; index < 60; index++)
      void pacers[index % 4]?.('newNonce', never).then(() => passedAt.push(clock.now().getTime()));
    await clock.runUntil(() => passedAt.length === 60);
    const first = passedAt[0] ?? 0;
    // 20 a second after the 5 at once: a window of any second holds no more than that.
    for (const start of passedAt)
      expect(passedAt.filter((at) => at >= start && at < start + 1000).length).toBeLessThanOrEqual(28);
    expect(Math.max(...passedAt) - first).toBeGreaterThan(2400);
    expect(Math.max(...passedAt) - first).toBeLessThan(4500);
  });

  it('that is given up leaves its place to the others', async () => {
    const { clock, pacers } = aFleet({ processes: 1 });
    const [pace] = pacers;
    const abort = new AbortController();
    const outcomes: string[] = [];
    for (let index = 0; index < 12; index++)
      void pace?.('newNonce', index % 2 ? abort.signal : never).then(
        () => outcomes.push('passed'),
        () => outcomes.push('aborted'),
      );
    abort.abort();
    await clock.runUntil(() => outcomes.length === 12);
    expect(outcomes.filter((outcome) => outcome === 'aborted')).toHaveLength(6);
  });

  it('fails as retryable when the table never takes the write', async () => {
    const { clock, pacers } = aFleet({ processes: 1, throttled: 1 });
    const outcome = pacers[0]?.('acme', never).catch((error: Failure) => error.code);
    let settled = false;
    void outcome?.then(() => {
      settled = true;
    });
    await clock.runUntil(() => settled);
    expect(await outcome).toBe('store-unavailable');
  });
});

describe('a storm on one bucket', () => {
  it.each([
    ['500 processes with a request each', 500, 1],
    ['16 processes with 500 requests among them', 16, 500 / 16],
  ])('of %s, half of all writes throttled, costs at most 3 writes a chunk', async (_, processes, each) => {
    const { clock, pacers, counts } = aFleet({ processes, throttled: 0.5 });
    let passed = 0;
    const wanted = processes * Math.ceil(each);
    for (const pace of pacers)
      for (let index = 0; index < each; index++)
        void pace('acme', never).then(() => {
          passed += 1;
        });
    await clock.runUntil(() => passed === wanted);
    const { writes, grants } = counts();
    console.log(
      `${processes} processes: ${writes} writes for ${grants} chunks, ${wanted} requests in ${clock.now().getTime() - noon.getTime()} ms`,
    );
    expect(writes / grants).toBeLessThanOrEqual(3);
    expect(clock.now().getTime() - noon.getTime()).toBeLessThan(30_000);
  });
});

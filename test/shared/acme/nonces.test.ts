import { describe, expect, it } from 'vitest';
import { NoncePool } from '../../../shared/acme/nonces.ts';

const { signal } = new AbortController();
const settle = () => new Promise(setImmediate);

/** Starts requests that end when told; `fresh` counts those that had to ask for a nonce. */
function createTraffic(pool: NoncePool) {
  const started: number[] = [];
  const open: ((outcome: 'answered' | 'lost') => void)[] = [];
  let fresh = 0;
  return {
    started,
    fresh: () => fresh,
    send: (index: number, under = signal) =>
      pool.inTurn(async (nonce) => {
        started.push(index);
        if (nonce === undefined) fresh += 1;
        const outcome = await new Promise<'answered' | 'lost'>((resolve) => open.push(resolve));
        if (outcome === 'lost') throw new Error('lost');
        pool.add(`after ${index}`);
        return nonce;
      }, under),
    async end(outcome: 'answered' | 'lost' = 'answered') {
      open.shift()?.(outcome);
      await settle();
    },
    atOnce: () => open.length,
  };
}

describe('the nonce pool', () => {
  it('hands out the newest nonce first, each once, and forgets the oldest when it is full', async () => {
    const pool = new NoncePool({ capacity: 2 });
    for (const nonce of ['a', 'b', 'c']) pool.add(nonce);
    const take = () => pool.inTurn(async (nonce) => nonce, signal);
    expect([await take(), await take(), await take()]).toEqual(['c', 'b', undefined]);
  });

  it('asks for a few nonces when a batch starts at once, and shares them in the order of the calls', async () => {
    const pool = new NoncePool({ circulating: 2 });
    const traffic = createTraffic(pool);
    const calls = [0, 1, 2, 3].map((index) => traffic.send(index));
    await settle();
    expect(traffic.started).toEqual([0, 1]);
    await traffic.end();
    expect(traffic.started).toEqual([0, 1, 2]);
    for (let index = 0; index < 3; index++) await traffic.end();
    expect(await Promise.all(calls)).toEqual([undefined, undefined, 'after 0', 'after 1']);
    expect(traffic.fresh()).toBe(2);
  });

  it('lets as many go at once as it has nonces', async () => {
    const pool = new NoncePool({ circulating: 1 });
    for (const nonce of ['a', 'b', 'c']) pool.add(nonce);
    const traffic = createTraffic(pool);
    const calls = [0, 1, 2].map((index) => traffic.send(index));
    await settle();
    expect(traffic.atOnce()).toBe(3);
    for (let index = 0; index < 3; index++) await traffic.end();
    await Promise.all(calls);
    expect(traffic.fresh()).toBe(0);
  });

  it('replaces a nonce that went down with its request', async () => {
    const pool = new NoncePool({ circulating: 1 });
    const traffic = createTraffic(pool);
    const calls = Promise.allSettled([traffic.send(0), traffic.send(1)]);
    await settle();
    await traffic.end('lost');
    expect(traffic.started).toEqual([0, 1]);
    await traffic.end();
    expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(traffic.fresh()).toBe(2);
  });

  it('puts one more nonce into circulation per so many requests, while others wait and up to its most', async () => {
    const pool = new NoncePool({ circulating: 1, mostCirculating: 3, finishedPerGrowth: 10 });
    const traffic = createTraffic(pool);
    const calls = Array.from({ length: 60 }, (_, index) => traffic.send(index));
    await settle();
    const widths: number[] = [];
    while (traffic.atOnce() > 0) {
      widths.push(traffic.atOnce());
      await traffic.end();
    }
    await Promise.all(calls);
    expect(widths.slice(0, 10)).toEqual(Array(10).fill(1));
    expect(Math.max(...widths)).toBe(3);
    expect(traffic.fresh()).toBe(3);
  });

  it('does not keep a session beyond its end', async () => {
    const pool = new NoncePool({ circulating: 1 });
    const traffic = createTraffic(pool);
    const controller = new AbortController();
    const first = traffic.send(0);
    const second = traffic.send(1, controller.signal);
    await settle();
    controller.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    await expect(traffic.send(2, controller.signal)).rejects.toThrow('enough');
    await traffic.end();
    await first;
    expect(traffic.started).toEqual([0]);
  });
});

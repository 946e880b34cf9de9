import { expect, it } from 'vitest';
import { NoncePool } from '../../../shared/acme/nonces.ts';

it('hands out the newest nonce first, each once', () => {
  const pool = new NoncePool();
  for (const nonce of ['a', 'b']) pool.add(nonce);
  expect([pool.take(), pool.take(), pool.take()]).toEqual(['b', 'a', undefined]);
});

it('forgets the oldest when it is full', () => {
  const pool = new NoncePool({ capacity: 2 });
  for (const nonce of ['a', 'b', 'c']) pool.add(nonce);
  expect([pool.take(), pool.take(), pool.take()]).toEqual(['c', 'b', undefined]);
});

it('lets no more requests fly than its limit, in the order they came, failures included', async () => {
  const pool = new NoncePool({ inFlightLimit: 2 });
  const finish: (() => void)[] = [];
  const started: number[] = [];
  const requests = [0, 1, 2, 3].map((index) =>
    pool.inTurn(async () => {
      started.push(index);
      await new Promise<void>((resolve) => finish.push(resolve));
      if (index === 0) throw new Error('refused');
      return index;
    }),
  );
  const settled = Promise.allSettled(requests);
  expect(started).toEqual([0, 1]);
  while (started.length < 4) {
    finish.shift()?.();
    await new Promise(setImmediate);
  }
  for (const last of finish) last();
  expect((await settled).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ]);
  expect(started).toEqual([0, 1, 2, 3]);
});

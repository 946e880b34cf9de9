import { expect, it } from 'vitest';
import { aStoppedClock, aSubscriber, authorizationsOf, refusal, startPlainCa } from './subscriber.ts';

it('a deactivated account gets no certificate that was still under way (RFC 8555, 7.3.6)', async () => {
  const names = ['a.example.com'];
  const due = Promise.withResolvers<void>();
  const { ca } = await startPlainCa({
    clock: { ...aStoppedClock(), sleep: () => due.promise },
    finalizeMillis: 1,
  });
  const subscriber = await aSubscriber(ca);
  try {
    const order = await subscriber.newOrder(names);
    expect((await subscriber.finalize(order, names)).json?.status).toBe('processing');
    await subscriber.post(subscriber.accountUrl, { status: 'deactivated' });
    due.resolve();
    await expect.poll(() => ca.ledger.orders[0]?.status).toBe('invalid');
    expect(ca.ledger.issued).toEqual([]);
    expect(refusal(await subscriber.newOrder(names))).toBe('401 unauthorized');
  } finally {
    subscriber.raw.close();
    await ca.stop();
  }
});

it('a preauthorized order is born ready with valid authorizations that have no challenges', async () => {
  const { ca } = await startPlainCa();
  const subscriber = await aSubscriber(ca);
  try {
    const order = await subscriber.newOrder(['*.a.example.com', 'b.example.com']);
    expect(order.json?.status).toBe('ready');
    const authorization = await subscriber.post(authorizationsOf(order)[0] ?? '');
    expect(authorization.json).toMatchObject({ status: 'valid', wildcard: true, challenges: [] });
  } finally {
    subscriber.raw.close();
    await ca.stop();
  }
});

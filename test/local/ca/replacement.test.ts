import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aSubscriber, authorizationsOf, refusal, type Subscriber, startPlainCa } from './subscriber.ts';

let scene: Awaited<ReturnType<typeof startPlainCa>>;
let subscriber: Subscriber;
let stranger: Subscriber;
beforeAll(async () => {
  scene = await startPlainCa();
  subscriber = await aSubscriber(scene.ca);
  stranger = await aSubscriber(scene.ca);
});
afterAll(async () => {
  subscriber.raw.close();
  stranger.raw.close();
  await scene.ca.stop();
});

describe('an order that replaces a certificate', () => {
  it('says so, to its owner and in the ledger', async () => {
    const { certId } = await subscriber.issue(['a.said.example.com', 'b.said.example.com']);
    const order = await subscriber.newOrder(['b.said.example.com', 'c.said.example.com'], {
      replaces: certId,
    });
    expect(order.json?.replaces).toBe(certId);
    expect((await subscriber.post(String(order.headers.location))).json?.replaces).toBe(certId);
    expect(scene.ca.ledger.orders).toContainEqual(
      expect.objectContaining({ url: order.headers.location, replaces: certId }),
    );
  });

  it('is the only one, while it is open and once it is valid', async () => {
    const names = ['once.example.com'];
    const { certId } = await subscriber.issue(names);
    const replacement = await subscriber.newOrder(names, { replaces: certId });
    expect(refusal(await subscriber.newOrder(names, { replaces: certId }))).toBe('409 alreadyReplaced');
    // Asked for without `replaces`, Boulder answers the open order again.
    const again = await subscriber.newOrder(names);
    expect([again.headers.location, again.json?.replaces]).toEqual([replacement.headers.location, certId]);
    await subscriber.finalize(replacement, names);
    expect(refusal(await subscriber.newOrder(names, { replaces: certId }))).toBe('409 alreadyReplaced');
  });

  it('makes room for another when it turns invalid', async () => {
    const names = ['again.example.com'];
    const { certId } = await subscriber.issue(names);
    const first = await subscriber.newOrder(names, { replaces: certId });
    await subscriber.post(authorizationsOf(first)[0] ?? '', { status: 'deactivated' });
    const second = await subscriber.newOrder(names, { replaces: certId });
    expect([second.status, second.json?.replaces]).toEqual([201, certId]);
    expect(second.headers.location).not.toBe(first.headers.location);
    expect(refusal(await subscriber.newOrder(names, { replaces: certId }))).toBe('409 alreadyReplaced');
  });

  it('is not made of an open order that replaces nothing', async () => {
    const names = ['open.example.com'];
    const { certId } = await subscriber.issue(names);
    const open = await subscriber.newOrder(names);
    const asked = await subscriber.newOrder(names, { replaces: certId });
    expect([asked.headers.location, asked.json?.replaces]).toEqual([open.headers.location, undefined]);
  });

  it('may name a host that the certificate’s wildcard covers', async () => {
    const { certId } = await subscriber.issue(['*.wild.example.com']);
    const order = await subscriber.newOrder(['www.wild.example.com'], { replaces: certId });
    expect(order.json?.replaces).toBe(certId);
  });

  it.each([
    ['shares no name', () => subscriber, (id: string) => id, ['other.example.com'], '400 malformed'],
    ['is another account’s', () => stranger, (id: string) => id, ['base.example.com'], '403 unauthorized'],
    [
      'was never issued',
      () => subscriber,
      (id: string) => `${id.split('.')[0]}.BQ`,
      ['base.example.com'],
      '404 malformed',
    ],
    [
      'is another CA’s',
      () => subscriber,
      (id: string) => `AAAA.${id.split('.')[1]}`,
      ['base.example.com'],
      '404 malformed',
    ],
    ['is no identifier', () => subscriber, () => 'nonsense', ['base.example.com'], '400 malformed'],
    ['is no text', () => subscriber, () => 7, ['base.example.com'], '400 malformed'],
  ])('is refused where the certificate %s', async (_, who, change, names, expected) => {
    const { certId } = await subscriber.issue(['base.example.com']);
    expect(refusal(await who().newOrder(names, { replaces: change(certId) }))).toBe(expected);
  });
});

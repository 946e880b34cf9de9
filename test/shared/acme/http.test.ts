import { describe, expect, it } from 'vitest';
import { AcmeFailure } from '../../../shared/acme/problem.ts';
import { Failure } from '../../../shared/runtime/errors.ts';
import { aProblem, createFakeCa, directory, origin } from './fake-ca.ts';

const orderUrl = `${origin}/order/1`;
const unreachable = new Failure({ code: 'ca-unreachable', disposition: 'retry', message: 'gone' });
const busy = (retryAfter: string, status = 503) => ({
  ...aProblem(status, status === 429 ? 'rateLimited' : 'serverInternal'),
  headers: { 'retry-after': retryAfter },
});

describe('a session', () => {
  it('asks for directory and nonce once, and signs every request with the nonce the last one left', async () => {
    const ca = createFakeCa({ '/order/1': { data: {} } });
    const connection = await ca.connect();
    for (let index = 0; index < 3; index++)
      await connection.session(new AbortController().signal).api.getOrder(orderUrl);
    expect(ca.paths()).toEqual(['/directory', '/new-nonce', '/order/1', '/order/1', '/order/1']);
    const headers = ca.sent.slice(2).map(({ header }) => header);
    expect(headers).toMatchObject([
      { alg: 'ES256', kid: `${origin}/account/1`, nonce: 'nonce-1', url: orderUrl },
      { nonce: 'nonce-2' },
      { nonce: 'nonce-3' },
    ]);
    expect(ca.sent.slice(2).map(({ payload }) => payload)).toEqual(['', '', '']);
  });

  it('answers refused nonces with fresh ones and fresh signatures, past any count', async () => {
    const refusals = Array.from({ length: 30 }, () => aProblem(400, 'badNonce'));
    const ca = createFakeCa({ '/new-order': [...refusals, { status: 201 }] });
    const session = await ca.session();
    expect((await session.api.createOrder({})).status).toBe(201);
    const nonces = ca.sent.filter(({ url }) => url === directory.newOrder).map(({ header }) => header.nonce);
    expect(new Set(nonces).size).toBe(31);
    expect(Math.max(...ca.clock.slept)).toBe(250);
  });

  it('stops answering refused nonces when its time is over', async () => {
    const ca = createFakeCa({ '/new-order': aProblem(400, 'badNonce') });
    const controller = new AbortController();
    const session = await ca.session({}, controller.signal);
    const sleep = ca.clock.sleep.bind(ca.clock);
    ca.clock.sleep = async (millis, signal) => {
      if (ca.sent.length > 20) controller.abort(new Error('enough'));
      await sleep(millis, signal);
    };
    await expect(session.api.createOrder({})).rejects.toThrow('enough');
  });

  it.each([
    ['a server error', [aProblem(500, 'serverInternal'), unreachable]],
    ['a busy CA that names a short time', [busy('2'), busy('3', 429), busy('5')]],
  ])('repeats a read after %s', async (_, refusals) => {
    const ca = createFakeCa({ '/order/1': [...refusals, { data: { status: 'ready' } }] });
    const session = await ca.session();
    expect((await session.api.getOrder(orderUrl)).data).toEqual({ status: 'ready' });
  });

  it('waits out what a busy CA asks for, up to half a minute in all', async () => {
    const ca = createFakeCa({ '/order/1': busy('12') });
    const session = await ca.session();
    await expect(session.api.getOrder(orderUrl)).rejects.toMatchObject({ retryAfterSeconds: 12 });
    expect(ca.clock.slept).toEqual([12_000, 12_000]);
  });

  it('believes a busy CA that says "at once" less each time', async () => {
    const ca = createFakeCa({ '/order/1': busy('0') });
    const session = await ca.session();
    await expect(session.api.getOrder(orderUrl)).rejects.toMatchObject({ retryAfterSeconds: 0 });
    expect(ca.clock.slept.slice(0, 4)).toEqual([250, 1000, 4000, 4000]);
    expect(ca.clock.slept.length).toBeLessThan(12);
  });

  it.each([['31'], ['3600']])('goes back to its caller with a Retry-After of %s s', async (seconds) => {
    const ca = createFakeCa({ '/order/1': busy(seconds, 429) });
    await expect((await ca.session()).api.getOrder(orderUrl)).rejects.toMatchObject({
      disposition: 'retry-after',
      retryAfterSeconds: Number(seconds),
    });
    expect(ca.clock.slept).toEqual([]);
  });

  it.each([
    ['a busy CA', busy('1')],
    ['a lost answer', unreachable],
  ])('never repeats a write, whatever came of it: %s', async (_, answer) => {
    const ca = createFakeCa({ '/new-order': [answer, { status: 201 }] });
    await expect((await ca.session()).api.createOrder({})).rejects.toBeInstanceOf(Failure);
    expect(ca.paths().filter((path) => path === '/new-order')).toHaveLength(1);
  });

  it('waits for a new nonce as for any read', async () => {
    const ca = createFakeCa({ '/new-nonce': [busy('7'), { status: 204 }], '/new-order': { status: 201 } });
    await (await ca.session()).api.createOrder({});
    expect(ca.clock.slept).toEqual([7000]);
  });

  it('fetches the directory once for all who come at once, and again after a failure', async () => {
    const ca = createFakeCa({ '/directory': [{ status: 404 }, { data: directory }] });
    const session = await ca.session();
    const together = await Promise.allSettled([session.meta(), session.meta()]);
    expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await Promise.all([session.meta(), session.renewalInfoUrl()]);
    expect(ca.paths()).toEqual(['/directory', '/directory']);
  });

  it('is not ended by the end of the one that was fetching the directory', async () => {
    const controller = new AbortController();
    const ca = createFakeCa({
      '/directory': [
        () => {
          controller.abort(new Error('enough'));
          throw controller.signal.reason;
        },
        { data: directory },
      ],
    });
    const connection = await ca.connect();
    const ended = connection.session(controller.signal).meta();
    const other = connection.session(new AbortController().signal).meta();
    await expect(ended).rejects.toThrow('enough');
    expect(await other).toEqual(directory.meta);
  });

  it.each([
    ['https://elsewhere.example/order/1', 'elsewhere.example'],
    ['http://ca.example/order/1', 'ca.example'],
    ['https://name:secret@ca.example/order/1', 'ca.example'],
    ['https://127.0.0.1/latest/meta-data', '127.0.0.1'],
    ['nonsense', 'no host'],
  ])('does not follow a CA to %s', async (url, host) => {
    const ca = createFakeCa();
    await expect((await ca.session()).api.getOrder(url)).rejects.toMatchObject({
      code: 'ca-url-refused',
      disposition: 'give-up',
      message: expect.stringContaining(`URL on ${host}`),
    });
    expect(ca.sent.some((request) => request.url === url)).toBe(false);
  });

  it('asks the pace before each request, by the kind the CA limits', async () => {
    const kinds: string[] = [];
    const ca = createFakeCa({
      '/new-order': [aProblem(400, 'badNonce'), { status: 201 }],
      '/order/1': {},
      '/renewal-info/x': {},
    });
    const session = await ca.session({ pace: async (endpoint) => void kinds.push(endpoint) });
    await session.api.createOrder({});
    await session.api.getOrder(orderUrl);
    await session.getOpen(`${directory.renewalInfo}/x`);
    expect(kinds.toSorted()).toEqual(
      ['acme', 'directory', 'newNonce', 'newOrder', 'newOrder', 'renewalInfo'].toSorted(),
    );
    expect(kinds).toHaveLength(ca.sent.length);
  });

  it('tells refusals in the CA’s words, and lets its account hear of them first', async () => {
    const ca = createFakeCa({ '/new-order': aProblem(403, 'unauthorized') });
    const heard: string[] = [];
    const session = await ca.session({
      onRefusal: async (refusal) => {
        heard.push(refusal.code);
        return refusal;
      },
    });
    const refused = session.api.createOrder({});
    await expect(refused).rejects.toBeInstanceOf(AcmeFailure);
    await expect(refused).rejects.toMatchObject({ message: expect.stringContaining('/new-order') });
    expect(heard).toEqual(['acme-unauthorized']);
  });

  it('says which resource a directory lacks', async () => {
    const ca = createFakeCa({ '/directory': { data: { newOrder: directory.newOrder } } });
    await expect((await ca.session()).resourceUrl('keyChange')).rejects.toMatchObject({
      code: 'ca-protocol',
      message: expect.stringContaining('has no keyChange'),
    });
  });
});

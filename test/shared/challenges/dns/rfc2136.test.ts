import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { startDnsServer } from '../../../../local/dns/server.ts';
import {
  createRfc2136Provider,
  parseRfc2136Config,
  type Rfc2136Options,
} from '../../../../shared/challenges/dns/rfc2136.ts';
import { parseTsigKey } from '../../../../shared/challenges/dns/tsig.ts';
import { type Clock, secondsAfter, systemClock } from '../../../../shared/runtime/clock.ts';

const secret = Buffer.from('a secret for the rfc2136 tests..').toString('base64');
const record = { fqdn: '_acme-challenge.example.com', value: 'digest' };
const signal = AbortSignal.timeout(60_000);
const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function aServer() {
  const server = await startDnsServer({ tsig: { keyName: 'certfleet', secret } });
  stops.push(() => server.stop());
  return server;
}

const aProvider = (port: number, overrides: Partial<Rfc2136Options> = {}) =>
  createRfc2136Provider({
    server: { host: '127.0.0.1', port },
    key: parseTsigKey({ name: 'certfleet', algorithm: 'hmac-sha256', secret }),
    clock: systemClock,
    random: Math.random,
    timeoutMillis: 5000,
    ...overrides,
  });

/** A UDP server that says whatever `answer` makes of each request. */
async function aScriptedServer(answer: (request: Buffer) => readonly Buffer[]) {
  const socket = createSocket('udp4');
  let requests = 0;
  socket.on('message', (request, from) => {
    requests += 1;
    for (const reply of answer(request)) socket.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  stops.push(() => new Promise((resolve) => socket.close(() => resolve())));
  return { port: socket.address().port, requests: () => requests };
}

const headerReply = (request: Buffer, code: number) => {
  const reply = Buffer.alloc(12);
  request.copy(reply, 0, 0, 2);
  reply.writeUInt16BE(0xa800 | code, 2);
  return reply;
};

describe('an rfc2136 provider', () => {
  it('signs with SHA-512 as well', async () => {
    const server = await startDnsServer({
      tsig: { keyName: 'certfleet', secret, algorithm: 'hmac-sha512' },
    });
    stops.push(() => server.stop());
    const key = parseTsigKey({ name: 'certfleet', algorithm: 'hmac-sha512', secret });
    await aProvider(server.port, { key }).addTxt(record, signal);
    expect(server.records()).toEqual([record]);
  });

  it('gives up when the secret or the key is not the server’s, and says which', async () => {
    const { port } = await aServer();
    const wrongSecret = parseTsigKey({ name: 'certfleet', algorithm: 'hmac-sha256', secret: 'd3Jvbmc=' });
    await expect(aProvider(port, { key: wrongSecret }).addTxt(record, signal)).rejects.toMatchObject({
      code: 'challenge-dns-key-rejected',
      disposition: 'give-up',
      message: expect.stringMatching(/127\.0\.0\.1:\d+.*_acme-challenge\.example\.com.*secret of TSIG key/),
    });
    const wrongName = parseTsigKey({ name: 'stranger', algorithm: 'hmac-sha256', secret });
    await expect(aProvider(port, { key: wrongName }).addTxt(record, signal)).rejects.toMatchObject({
      code: 'challenge-dns-key-rejected',
      message: expect.stringContaining('"stranger"'),
    });
  });

  it('tells a skewed clock from a wrong key', async () => {
    const { port } = await aServer();
    const ahead: Clock = { ...systemClock, now: () => secondsAfter(systemClock.now(), 3600) };
    await expect(aProvider(port, { clock: ahead }).addTxt(record, signal)).rejects.toMatchObject({
      code: 'challenge-dns-clock-skewed',
      disposition: 'retry',
    });
  });

  it('names the configured zone that does not hold the name', async () => {
    const { port } = await aServer();
    await expect(aProvider(port, { zone: 'example.org' }).addTxt(record, signal)).rejects.toMatchObject({
      code: 'challenge-dns-zone-unknown',
      disposition: 'give-up',
      message: expect.stringContaining('zone example.org'),
    });
  });

  it('does not believe a success without a signature', async () => {
    const { port } = await aScriptedServer((request) => [headerReply(request, 0)]);
    await expect(aProvider(port, { zone: 'example.com' }).addTxt(record, signal)).rejects.toMatchObject({
      code: 'challenge-dns-answer-invalid',
      message: expect.stringContaining('unsigned'),
    });
  });

  it.each([
    [2, 'challenge-dns-server-failed', 'retry'],
    [4, 'challenge-dns-update-refused', 'give-up'],
    [5, 'challenge-dns-update-refused', 'give-up'],
    [8, 'challenge-dns-update-refused', 'give-up'],
    [9, 'challenge-dns-zone-unknown', 'give-up'],
  ])('maps rcode %i to %s', async (code, failureCode, disposition) => {
    const { port } = await aScriptedServer((request) => [headerReply(request, code)]);
    await expect(aProvider(port, { zone: 'example.com' }).addTxt(record, signal)).rejects.toMatchObject({
      code: failureCode,
      disposition,
    });
  });

  it('ignores answers with another id and waits for its own', async () => {
    const { port } = await aScriptedServer((request) => {
      const forged = headerReply(request, 0);
      forged.writeUInt16BE(request.readUInt16BE(0) ^ 1, 0);
      return [Buffer.from('x'), forged, headerReply(request, 5)];
    });
    await expect(aProvider(port, { zone: 'example.com' }).addTxt(record, signal)).rejects.toMatchObject({
      code: 'challenge-dns-update-refused',
    });
  });

  it('asks again when an answer stays out, and reports the server when all do', async () => {
    const silent = await aScriptedServer(() => []);
    const provider = aProvider(silent.port, { zone: 'example.com', timeoutMillis: 50, attempts: 3 });
    await expect(provider.addTxt(record, signal)).rejects.toMatchObject({
      code: 'challenge-dns-unreachable',
      disposition: 'retry',
      message: expect.stringContaining(`127.0.0.1:${silent.port}`),
    });
    // The third attempt goes by TCP, where nobody listens.
    expect(silent.requests()).toBe(2);
  });

  it('stops at the deadline', async () => {
    const silent = await aScriptedServer(() => []);
    const provider = aProvider(silent.port, { zone: 'example.com' });
    await expect(provider.addTxt(record, AbortSignal.timeout(50))).rejects.toMatchObject({
      code: 'challenge-dns-unreachable',
      message: expect.stringContaining('deadline'),
    });
  });

  it('says how to name the zone when the server shows none', async () => {
    const { port } = await aScriptedServer((request) => [headerReply(request, 5)]);
    await expect(aProvider(port).addTxt(record, signal)).rejects.toMatchObject({
      code: 'challenge-dns-zone-unknown',
      message: expect.stringContaining('RFC2136_ZONE'),
    });
  });
});

describe('rfc2136 configuration', () => {
  it('is read with documented defaults', () => {
    const env = { RFC2136_SERVER: 'ns1.example.net', RFC2136_TSIG_KEY_NAME: 'Fleet.' };
    expect(parseRfc2136Config(env, secret)).toMatchObject({
      server: { host: 'ns1.example.net', port: 53 },
      transport: 'udp',
      key: { name: 'fleet', algorithm: 'hmac-sha256' },
    });
  });

  it('reports every problem at once', () => {
    const env = { RFC2136_SERVER: 'a b', RFC2136_TSIG_ALGORITHM: 'md5', RFC2136_TRANSPORT: 'quic' };
    expect(() => parseRfc2136Config(env, secret)).toThrow(
      /RFC2136_SERVER: is not host:port.*RFC2136_TRANSPORT.*RFC2136_TSIG_KEY_NAME.*RFC2136_TSIG_ALGORITHM/,
    );
  });
});

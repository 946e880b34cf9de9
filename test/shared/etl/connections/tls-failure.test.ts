import { get, type RequestOptions } from 'node:https';
import { createServer } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import { portOf } from '../../../../local/loopback.ts';
import { tlsFailure } from '../../../../shared/etl/connections/tls-failure.ts';
import { addressOf, tlsOptionsFor } from '../../../../shared/etl/connections/tls-options.ts';
import type { TlsPeer } from '../../../../shared/etl/connections/tls-peer.ts';
import { Failure } from '../../../../shared/runtime/errors.ts';
import { createTestCa } from '../../../support/test-ca.ts';
import { startTlsPeer, type TlsPeerKind, type TlsPeerOptions } from '../../../support/tls-peers.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function start(kind: TlsPeerKind, options: TlsPeerOptions = {}) {
  const server = await startTlsPeer(kind, options);
  stops.push(server.stop);
  return server;
}

/** Connects and reads until something happens; the error, or undefined when the peer stays for a while. */
const useConnection = (peer: TlsPeer, changes: ConnectionOptions = {}): Promise<unknown> =>
  new Promise((resolve) => {
    const socket = connect({ ...addressOf(peer), ...tlsOptionsFor(peer), ...changes });
    socket.on('secureConnect', () => socket.write('GET / HTTP/1.1\r\nhost: peer\r\n\r\n'));
    socket.once('data', () => resolve(undefined)).on('error', resolve);
    socket.on('close', () => resolve(undefined));
    stops.push(async () => socket.destroy());
  });

/** As HTTPS does: what is to be sent waits for the handshake. */
const request = (peer: TlsPeer, changes: ConnectionOptions = {}): Promise<unknown> =>
  new Promise((resolve) => {
    const options = { ...addressOf(peer), ...tlsOptionsFor(peer), ...changes, agent: false };
    get(options as RequestOptions, (answer) => resolve(answer.resume() && undefined)).on('error', resolve);
  });

const codeFor = async (peer: TlsPeer, changes?: ConnectionOptions) => {
  const failure = tlsFailure(await useConnection(peer, changes), peer);
  return failure && [failure.code, failure.disposition];
};

it.each([
  ['expired', 'certificate-expired'],
  ['not-yet-valid', 'certificate-not-yet-valid'],
  ['wrong-host', 'certificate-wrong-host'],
  ['self-signed', 'certificate-self-signed'],
  ['untrusted-root', 'certificate-untrusted'],
  ['weak-key', 'certificate-weak-key'],
  ['tls11', 'tls-too-old'],
  ['client-required', 'client-certificate-required'],
] as const)(
  'a handshake with a peer that is %s is told as %s, which no repetition helps',
  async (kind, code) => {
    const { peer } = await start(kind);
    expect(await codeFor(peer)).toEqual([code, 'give-up']);
    expect(await codeFor(peer, { maxVersion: 'TLSv1.2' })).toEqual([code, 'give-up']);
    for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const)
      expect(tlsFailure(await request(peer, { maxVersion }), peer)?.code).toBe(code);
  },
);

it('a good peer is no failure', async () => {
  const { peer } = await start('good');
  expect(await codeFor(peer)).toBeUndefined();
});

it('a missing intermediate is told as a certificate that is not trusted', async () => {
  const { peer, pair } = await start('good');
  const { peer: bare } = await start('good', { tls: { cert: pair.leafPem, key: pair.privateKeyPem } });
  expect(await codeFor({ ...bare, roots: peer.roots })).toEqual(['certificate-untrusted', 'give-up']);
});

it.each([
  ['unknown CA', 48],
  ['expired', 45],
  ['for other uses', 43],
  ['bad', 42],
  ['unknown', 46],
])('an alert that the client certificate is %s is told as its refusal', (_, alert) => {
  const message = `40DD28F5907F0000:error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert:SSL alert number ${alert}\n`;
  const error = Object.assign(new Error(message), { code: 'ERR_SSL_TLSV1_ALERT' });
  expect(tlsFailure(error, { host: 'h.example', port: 1 })).toMatchObject({
    code: 'client-certificate-refused',
    disposition: 'give-up',
  });
});

it('a certificate that was not checked is told apart, for a try that checks again', async () => {
  const { peer } = await start('good');
  const other = { ...peer, fingerprints: ['ab'.repeat(32)] };
  expect(await codeFor(other)).toEqual(['peer-not-checked', 'retry']);
  expect(await codeFor({ ...peer, fingerprints: [] })).toEqual(['peer-not-checked', 'retry']);
});

it('connections that break are told by how, for another try', async () => {
  const plain = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  const peer = {
    host: 'h.example',
    port: 1,
    fingerprints: [],
    connectTo: { host: '127.0.0.1', port: portOf(plain) },
  };
  expect(await codeFor(peer)).toEqual(['peer-reset', 'retry']);
  await new Promise((resolve) => plain.close(resolve));
  expect(await codeFor(peer)).toEqual(['peer-unreachable', 'retry']);
  const speechless = createServer((socket) =>
    socket
      .on('error', () => undefined)
      .resume()
      .end('220 hello\r\n'),
  );
  await new Promise<void>((resolve) => speechless.listen(0, '127.0.0.1', resolve));
  stops.push(() => new Promise((resolve) => speechless.close(resolve)));
  expect(await codeFor({ ...peer, connectTo: { host: '127.0.0.1', port: portOf(speechless) } })).toEqual([
    'tls-failed',
    'retry',
  ]);
  const timedOut = Object.assign(new Error('x'), { code: 'ETIMEDOUT' });
  expect(tlsFailure(new AggregateError([timedOut], 'x'), peer)?.code).toBe('peer-timeout');
  expect(tlsFailure(new TypeError('fetch failed', { cause: timedOut }), peer)?.code).toBe('peer-timeout');
});

it('what is not about the connection is left to others', () => {
  const peer = { host: 'h.example', port: 1 };
  const other = new Failure({ code: 'deadline', disposition: 'retry', message: 'x' });
  for (const error of [
    new Error('row 7 has a@example.com'),
    other,
    undefined,
    'text',
    { code: 'ECONNRESET' },
  ])
    expect(tlsFailure(error, peer)).toBeUndefined();
});

it('nothing of the error is quoted', async () => {
  const { peer } = await start('wrong-host');
  const failure = tlsFailure(await useConnection(peer), peer);
  expect(failure?.message).toContain(`peer.example.com:${peer.port}`);
  expect(failure?.message).not.toContain('elsewhere');
  expect(failure?.cause).toBeUndefined();
});

it('a client certificate of another CA that a server hangs up on in silence is a broken connection', async () => {
  const { peer } = await start('client-required');
  const stranger = await (await createTestCa('Stranger')).issue({ domains: ['client.example.com'] });
  const client = { name: 'c', certificatePem: stranger.fullchainPem, privateKeyPem: stranger.privateKeyPem };
  const failure = tlsFailure(await request({ ...peer, client }), peer);
  expect(failure).toMatchObject({ code: 'peer-reset', disposition: 'retry' });
});

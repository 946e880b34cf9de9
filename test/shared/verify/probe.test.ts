import { createHash, X509Certificate } from 'node:crypto';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { portOf } from '../../../local/loopback.ts';
import { type ProbeRequest, probeEndpoint } from '../../../shared/verify/probe.ts';
import { createTestCa, type TestCa, type TestPair } from '../../support/test-ca.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();
let ca: TestCa;
let good: TestPair;

beforeAll(async () => {
  ca = await createTestCa();
  good = await ca.issue({ domains: ['example.com', '*.example.net'], serial: '0abc' });
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.on('tlsClientError', () => undefined);
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return portOf(server);
}
const serve = (pair: TestPair, options: TlsOptions = {}) =>
  listening(createTlsServer({ key: pair.privateKeyPem, cert: pair.fullchainPem, ...options }));

async function probe(port: number, changes: Partial<ProbeRequest> = {}) {
  const observations = await probeEndpoint({
    host: 'example.com',
    port: 443,
    connectTo: { host: '127.0.0.1', port },
    roots: ca.rootPem,
    timeoutMillis: 10_000,
    signal: new AbortController().signal,
    ...changes,
  });
  expect(observations).toHaveLength(1);
  return observations[0];
}

describe('a probe sees', () => {
  it('the leaf, the chain, the protocol and that all is well', async () => {
    const leaf = new X509Certificate(good.leafPem);
    expect(await probe(await serve(good))).toEqual({
      reached: true,
      address: '127.0.0.1',
      protocol: 'TLSv1.3',
      cipher: expect.stringMatching(/^TLS_/),
      leaf: {
        serial: 'abc',
        fingerprint: createHash('sha256').update(leaf.raw).digest('hex'),
        notBefore: leaf.validFromDate,
        notAfter: leaf.validToDate,
        subjectAltNames: ['example.com', '*.example.net'],
      },
      chainLength: 2,
      authorized: true,
      hostNameMatches: true,
    });
  });

  it('the certificate that belongs to the name it asks for', async () => {
    const other = await ca.issue({ domains: ['other.example'] });
    const asked: string[] = [];
    const port = await serve(good, {
      SNICallback: (name, answer) => {
        asked.push(name);
        answer(null, undefined);
      },
    });
    await probe(port, { host: 'example.com' });
    expect(asked).toEqual(['example.com']);
    expect(await probe(await serve(other))).toMatchObject({ authorized: true, hostNameMatches: false });
  });

  it('a host under a wildcard', async () => {
    const port = await serve(good);
    expect(await probe(port, { host: 'www.example.net' })).toMatchObject({ hostNameMatches: true });
    expect(await probe(port, { host: 'a.b.example.net' })).toMatchObject({ hostNameMatches: false });
  });

  it('an expired certificate, though nobody should trust it', async () => {
    const notAfter = new Date(Date.now() - 3_600_000);
    const expired = await ca.issue({ domains: ['example.com'], notAfter });
    expect(await probe(await serve(expired))).toMatchObject({
      reached: true,
      authorized: false,
      authorizationError: 'CERT_HAS_EXPIRED',
      hostNameMatches: true,
    });
  });

  it('a CA that is not in the trust store', async () => {
    const stranger = await createTestCa('Stranger');
    const port = await serve(await stranger.issue({ domains: ['example.com'] }));
    expect(await probe(port)).toMatchObject({ reached: true, authorized: false, authorizationError: /./ });
    expect(await probe(port, { roots: undefined })).toMatchObject({ authorized: false });
    expect(await probe(port, { roots: stranger.rootPem })).toMatchObject({ authorized: true });
  });

  it('that the intermediate is missing', async () => {
    const port = await serve(good, { cert: good.leafPem });
    expect(await probe(port)).toMatchObject({
      authorized: false,
      authorizationError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      chainLength: 1,
    });
  });

  it('a server that speaks TLS 1.2 at most', async () => {
    const port = await serve(good, { maxVersion: 'TLSv1.2' });
    expect(await probe(port)).toMatchObject({ reached: true, protocol: 'TLSv1.2', authorized: true });
  });
});

describe('a probe reports', () => {
  it('a server that speaks nothing newer than TLS 1.1', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    expect(await probe(await serve(good, old))).toMatchObject({ reached: false, code: 'tls' });
  });

  it('a server that speaks no TLS', async () => {
    const server = createTcpServer((socket) => socket.on('error', () => undefined).end('220 hello\r\n'));
    expect(await probe(await listening(server))).toMatchObject({ reached: false, code: 'tls' });
  });

  it('a port where nobody listens', async () => {
    const server = createTcpServer();
    const port = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    servers.pop();
    expect(await probe(port)).toMatchObject({ reached: false, code: 'refused', address: '127.0.0.1' });
  });

  it('a peer that hangs up', async () => {
    const server = createTcpServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await probe(await listening(server))).toMatchObject({ reached: false, code: 'reset' });
  });

  it('a peer that never answers, after the time given', async () => {
    const server = createTcpServer((socket) => socket.on('error', () => undefined).resume());
    const observation = await probe(await listening(server), { timeoutMillis: 100 });
    expect(observation).toMatchObject({
      reached: false,
      code: 'timeout',
      message: 'no handshake within 100 ms',
    });
  });

  it('a name without an address', async () => {
    const observation = await probe(1, { host: `${'a'.repeat(64)}.example`, connectTo: undefined });
    expect(observation).toMatchObject({ reached: false, code: 'dns' });
    expect(observation).not.toHaveProperty('address');
  });
});

describe('a probe', () => {
  it('looks at every address of a name', async () => {
    const port = await serve(good);
    const signal = new AbortController().signal;
    const request = { host: 'localhost', port, roots: ca.rootPem, timeoutMillis: 10_000, signal };
    const observations = await probeEndpoint(request);
    const v4 = observations.find(({ address }) => address === '127.0.0.1');
    expect(v4).toMatchObject({ reached: true, hostNameMatches: false });
    expect(observations.filter(({ reached }) => reached)).toHaveLength(1);
  });

  it('ends with the reason of a caller that gives up', async () => {
    const server = createTcpServer((socket) => socket.on('error', () => undefined).resume());
    const port = await listening(server);
    const controller = new AbortController();
    const reason = new Error('given up');
    server.once('connection', () => controller.abort(reason));
    await expect(probe(port, { signal: controller.signal })).rejects.toBe(reason);
    await expect(probe(port, { signal: controller.signal })).rejects.toBe(reason);
  });
});

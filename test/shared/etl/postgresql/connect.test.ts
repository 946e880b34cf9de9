import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { portOf } from '../../../../local/loopback.ts';
import type { TlsPeer } from '../../../../shared/etl/connections/tls-peer.ts';
import { connectPostgres, type ServerTls } from '../../../../shared/etl/postgresql/connection.postgresql.ts';
import { asFailure, type Failure } from '../../../../shared/runtime/errors.ts';
import { startTlsPeer, type TlsPeerKind } from '../../../support/tls-peers.ts';

const sslRequest = '0000000804d2162f';

/** What speaks first in clear must be this and nothing else. */
interface ClearServer {
  readonly peer: TlsPeer;
  readonly heard: () => string;
  stop(): Promise<void>;
}

async function startClearServer(answer: string | undefined): Promise<ClearServer> {
  const sockets = new Set<Socket>();
  let heard = '';
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      heard += bytes.toString('hex');
      if (answer !== undefined) socket.write(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    peer: {
      host: 'db.example.com',
      port: 5432,
      connectTo: { host: '127.0.0.1', port: portOf(server) },
      fingerprints: ['00'],
    },
    heard: () => heard,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

type Given = Partial<Parameters<typeof connectPostgres>[0]>;

const login = (peer: TlsPeer, given: Given = {}): Promise<{ tls: ServerTls }> =>
  connectPostgres({
    peer,
    database: 'shop',
    user: 'etl',
    password: 'top-secret',
    applicationName: 'test',
    statementTimeoutMillis: 5_000,
    signal: new AbortController().signal,
    ...given,
  });

const failureOf = async (attempt: Promise<unknown>): Promise<Failure> =>
  attempt.then(
    () => {
      throw new Error('it connected');
    },
    (error) => asFailure(error),
  );

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const stop of stops.splice(0)) await stop();
});
async function clearServer(answer: string | undefined): Promise<ClearServer> {
  const server = await startClearServer(answer);
  stops.push(server.stop);
  return server;
}

describe('a server without TLS', () => {
  it('is left before it hears who we are', async () => {
    const { peer, heard } = await clearServer('N');
    expect(await failureOf(login(peer))).toMatchObject({
      code: 'tls-refused-by-server',
      disposition: 'give-up',
    });
    expect(heard()).toBe(sslRequest);
  });

  it('cannot talk us out of it by an error in clear', async () => {
    const { peer, heard } = await clearServer('E');
    expect(await failureOf(login(peer))).toMatchObject({
      code: 'postgres-unavailable',
      disposition: 'retry',
    });
    expect(heard()).toBe(sslRequest);
  });

  it('cannot slip us anything behind its yes', async () => {
    const { peer, heard } = await clearServer('SR\0\0\0\x08\0\0\0\0');
    expect(await failureOf(login(peer))).toMatchObject({ code: 'postgres-unavailable' });
    expect(heard()).toBe(sslRequest);
  });

  it.each([
    ['PGSSLMODE', 'disable'],
    ['PGSSLMODE', 'no-verify'],
    ['PGSSLNEGOTIATION', 'direct'],
    ['PGHOST', '127.0.0.2'],
    ['PGPORT', '1'],
    ['PGOPTIONS', '-c ssl=off'],
  ])('stays refused whatever the environment says: %s=%s', async (name, value) => {
    vi.stubEnv(name, value);
    const { peer, heard } = await clearServer('N');
    expect((await failureOf(login(peer))).code).toBe('tls-refused-by-server');
    expect(heard()).toBe(sslRequest);
  });
});

describe('a login', () => {
  it.each<[string, Given & { host?: string }]>([
    ['host', { host: 'db.example.com?sslmode=disable' }],
    ['host', { host: 'postgres://db.example.com/shop?sslmode=no-verify' }],
    ['host', { host: '/var/run/postgresql' }],
    ['host', { host: 'db.example.com,evil.example.com' }],
    ['host', { host: '' }],
    ['database', { database: 'shop\0user\0postgres' }],
    ['database', { database: '' }],
    ['user', { user: 'etl\0options\0-c ssl=off' }],
    ['user', { user: '' }],
    ['database, user', { database: 'x\n', user: 'y\n' }],
  ])('is refused for a %s that is none', async (place, { host, ...given }) => {
    const { peer, heard } = await clearServer('N');
    const failure = await failureOf(login({ ...peer, ...(host !== undefined && { host }) }, given));
    expect(failure).toMatchObject({ code: 'postgres-login-malformed', disposition: 'give-up' });
    expect(failure.message).toContain(`correct ${place}`);
    expect(heard()).toBe('');
  });

  it.each<Given>([
    { database: 'shop sslmode=no-verify' },
    { database: 'postgres://evil.example.com/shop?sslmode=disable' },
    { user: "etl' sslmode='disable" },
    { password: 'x?sslmode=disable' },
  ])('means nothing by what looks like a connection string: %j', async (given) => {
    const { peer, heard } = await clearServer('N');
    expect((await failureOf(login(peer, given))).code).toBe('tls-refused-by-server');
    expect(heard()).toBe(sslRequest);
  });

  it('gives up with the reason of its signal', async () => {
    const { peer } = await clearServer(undefined);
    const controller = new AbortController();
    const attempt = login(peer, { signal: controller.signal });
    controller.abort(new Error('time is up'));
    await expect(attempt).rejects.toThrow('time is up');
    await expect(login(peer, { signal: controller.signal })).rejects.toThrow('time is up');
  });

  it('says where nobody listens', async () => {
    const { peer, stop } = await startClearServer('N');
    await stop();
    expect(await failureOf(login(peer))).toMatchObject({ code: 'peer-unreachable', disposition: 'retry' });
  });
});

describe('a server whose TLS is wrong', () => {
  it.each<[TlsPeerKind, string]>([
    ['expired', 'certificate-expired'],
    ['not-yet-valid', 'certificate-not-yet-valid'],
    ['wrong-host', 'certificate-wrong-host'],
    ['self-signed', 'certificate-self-signed'],
    ['untrusted-root', 'certificate-untrusted'],
    ['weak-key', 'certificate-weak-key'],
    ['tls11', 'tls-too-old'],
    ['client-required', 'client-certificate-required'],
  ])('%s is refused as %s', async (kind, code) => {
    const server = await startTlsPeer(kind, { upgrade: 'postgresql' });
    stops.push(server.stop);
    const failure = await failureOf(login(server.peer));
    expect(failure).toMatchObject({ code, disposition: 'give-up' });
    expect(failure.message).not.toContain('top-secret');
  });

  it('shows a certificate that nobody has checked', async () => {
    const server = await startTlsPeer('good', { upgrade: 'postgresql' });
    stops.push(server.stop);
    expect((await failureOf(login({ ...server.peer, fingerprints: ['00'] }))).code).toBe('peer-not-checked');
  });

  it('is looked at by the address where it has no name', async () => {
    const server = await startTlsPeer('good', { upgrade: 'postgresql', host: 'localhost' });
    stops.push(server.stop);
    const peer = { ...server.peer, host: '127.0.0.1' };
    expect((await failureOf(login(peer))).code).toBe('certificate-wrong-host');
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TlsPeer } from '../../../shared/etl/connections/tls-peer.ts';
import { recordConnections } from '../../../shared/etl/connections/tls-recorder.socket.ts';
import { type PostgresServer, startPostgres } from '../../support/postgresql-server.ts';
import { createTestCa } from '../../support/test-ca.ts';
import { connectTo } from './shop.ts';

const recorder = recordConnections();
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());
afterEach(() => vi.unstubAllEnvs());

type Given = Partial<Parameters<typeof connectTo>[1]>;

const failureOf = async (given: Given, to = server) =>
  connectTo(to, given).then(
    async (connection) => {
      await connection.close();
      throw new Error('it connected');
    },
    (error) => error,
  );

const withoutClient = (): TlsPeer => ({ ...server.peer, client: undefined });
const dayMillis = 86_400_000;

describe('a connection to PostgreSQL', () => {
  it('is proven by the server to be encrypted, and to be ours', async () => {
    const connection = await connectTo(server);
    expect(connection.tls).toEqual({
      version: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      bits: 256,
      clientDn: '/CN=etl',
    });
    await connection.close();
  });

  it('is recorded as it was made, and not where it was refused', async () => {
    recorder.drain();
    await (await connectTo(server)).close();
    await failureOf({ peer: { ...server.peer, fingerprints: ['00'] } });
    expect(recorder.drain()).toMatchObject([
      { host: 'db.example.com', protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', verified: true },
    ]);
  });

  it('comes in by a password as well, which the log never shows', async () => {
    const connection = await connectTo(server, { peer: withoutClient(), ...server.passwordUser });
    expect(connection.tls.clientDn).toBeUndefined();
    await connection.close();
    expect(server.log()).not.toContain(server.passwordUser.password);
  });

  it('takes nothing from the environment', async () => {
    const lies = {
      ...{
        PGSSLMODE: 'disable',
        PGHOST: '127.0.0.2',
        PGPORT: '1',
        PGUSER: 'postgres',
        PGDATABASE: 'postgres',
      },
      ...{ PGPASSWORD: 'x', PGOPTIONS: '-c statement_timeout=1', PGAPPNAME: 'x', PGREPLICATION: 'database' },
      ...{ PGCLIENT_ENCODING: 'LATIN1', PGDATESTYLE: 'German', PGTZ: 'Asia/Tokyo' },
    };
    for (const [name, value] of Object.entries(lies)) vi.stubEnv(name, value);
    const connection = await connectTo(server);
    const [row] = await connection.query(
      `SELECT current_user, current_database(), current_setting('application_name'), 'ü',
        current_setting('TimeZone'), current_setting('statement_timeout')`,
      [],
      { during: 'asking' },
    );
    await connection.close();
    expect(row).toEqual(['etl', 'shop', 'test', 'ü', 'UTC', '10s']);
  });

  it('does not find a password in the environment either', async () => {
    vi.stubEnv('PGPASSWORD', server.passwordUser.password);
    const failure = await failureOf({ peer: withoutClient(), user: server.passwordUser.user });
    expect(failure).toMatchObject({ code: 'postgres-unauthorized', disposition: 'give-up' });
    expect(failure.message).toContain('passwordSecret');
  });

  it('is bound to the certificate that was checked', async () => {
    const peer = { ...server.peer, fingerprints: ['ab'.repeat(32)] };
    expect(await failureOf({ peer })).toMatchObject({ code: 'peer-not-checked' });
  });

  it('goes where connectTo says, and asks for the name all the same', async () => {
    const connectToName = { host: 'localhost', port: server.port };
    const connection = await connectTo(server, { peer: { ...server.peer, connectTo: connectToName } });
    await connection.close();
    const peer = { ...server.peer, host: 'localhost' };
    expect(await failureOf({ peer })).toMatchObject({ code: 'certificate-wrong-host' });
  });

  it('to an address is checked against the address', async () => {
    expect(await failureOf({ peer: { ...server.peer, host: '127.0.0.1' } })).toMatchObject({
      code: 'certificate-wrong-host',
    });
    const addressed = await startPostgres({ leaf: { domains: [], addresses: ['127.0.0.1'] } });
    try {
      const connection = await connectTo(addressed, { peer: { ...addressed.peer, host: '127.0.0.1' } });
      await connection.close();
    } finally {
      await addressed.stop();
    }
  });

  it('is refused where the root is another', async () => {
    const { rootPem } = await createTestCa('Stranger');
    expect(await failureOf({ peer: { ...server.peer, roots: rootPem } })).toMatchObject({
      code: 'certificate-untrusted',
      disposition: 'give-up',
    });
    expect(await failureOf({ peer: { ...server.peer, roots: undefined } })).toMatchObject({
      code: 'certificate-untrusted',
    });
  });

  it.each([
    [
      'certificate-expired',
      { notBefore: new Date(Date.now() - 9 * dayMillis), notAfter: new Date(Date.now() - dayMillis) },
    ],
    ['certificate-wrong-host', { domains: ['elsewhere.example.com'] }],
  ])('is refused as %s', async (code, leaf) => {
    const wrong = await startPostgres({ leaf });
    try {
      expect(await failureOf({}, wrong)).toMatchObject({ code, disposition: 'give-up' });
    } finally {
      await wrong.stop();
    }
  });

  it('is refused where the server offers no TLS', async () => {
    const plain = await startPostgres({ settings: { ssl: 'off' } });
    try {
      expect(await failureOf({}, plain)).toMatchObject({ code: 'tls-refused-by-server' });
    } finally {
      await plain.stop();
    }
  });

  it('is refused without a client certificate, with one of another name, and with one of another CA', async () => {
    expect(await failureOf({ peer: withoutClient() })).toMatchObject({ code: 'client-certificate-required' });
    const other = await server.issueClient('other');
    expect(await failureOf({ peer: { ...server.peer, client: other } })).toMatchObject({
      code: 'client-certificate-refused',
    });
    const strange = await server.issueClient('etl', await createTestCa('Stranger'));
    expect(await failureOf({ peer: { ...server.peer, client: strange } })).toMatchObject({
      code: 'client-certificate-refused',
    });
  });

  it('is refused for a wrong password, which no message quotes', async () => {
    const login = { peer: withoutClient(), user: server.passwordUser.user, password: 'guessed-canary' };
    const failure = await failureOf(login);
    expect(failure).toMatchObject({ code: 'postgres-unauthorized', disposition: 'give-up' });
    expect(failure.message).not.toContain('canary');
  });

  it('is dropped where a statement takes too long, and where its signal ends it', async () => {
    const slow = 'SELECT pg_sleep(30)';
    const limited = await connectTo(server, { statementTimeoutMillis: 50 });
    await expect(limited.query(slow, [], { during: 'sleeping' })).rejects.toMatchObject({
      code: 'postgres-timeout',
      disposition: 'retry',
    });
    await limited.close();
    const controller = new AbortController();
    const stopped = await connectTo(server, { signal: controller.signal });
    const sleeping = stopped.query(slow, [], { during: 'sleeping' });
    controller.abort(new Error('time is up'));
    await expect(sleeping).rejects.toThrow('time is up');
    await stopped.close();
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectPostgres } from '../../../shared/etl/postgresql/connection.postgresql.ts';
import { runCommand } from '../../support/local-command.ts';
import { type PostgresServer, startPostgres } from '../../support/postgresql-server.ts';

let directory: string;
let server: PostgresServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'certfleet-postgresql-'));
  server = await startPostgres({ leaf: { domains: ['localhost'], addresses: ['127.0.0.1'] } });
  await writeFile(join(directory, 'domains.json'), JSON.stringify([{ domain: 'www.example.com' }]));
});
afterAll(async () => {
  await server?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The command's arguments for the server, as a user of the role `etl` whose certificate this is. */
async function postgresOptions(client: { certificatePem: string; privateKeyPem: string }): Promise<string[]> {
  const file = async (name: string, text: string) => {
    const path = join(directory, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  return [
    ...['--postgres-host', '127.0.0.1', '--postgres-port', String(server.port)],
    ...['--postgres-user', server.user, '--postgres-database', 'postgres'],
    ...['--postgres-ca', await file('ca.pem', server.ca.rootPem)],
    ...['--postgres-cert', await file('client.pem', client.certificatePem)],
    ...['--postgres-key', await file('client.key', client.privateKeyPem)],
  ];
}

const once = (...more: string[]) => [
  ...['--once', '--json', '--domains', join(directory, 'domains.json')],
  ...['--data-dir', join(directory, 'data'), ...more],
];

async function query(sql: string): Promise<readonly unknown[]> {
  const connection = await connectPostgres({
    peer: { ...server.peer, host: '127.0.0.1', connectTo: undefined },
    database: 'postgres',
    user: server.user,
    applicationName: 'test',
    statementTimeoutMillis: 10_000,
    signal: AbortSignal.timeout(20_000),
  });
  try {
    return await connection.query(sql, [], { during: 'looking' });
  } finally {
    await connection.close();
  }
}

it('npm start loads the example into a real PostgreSQL over mutual TLS, each order once, and again changes nothing', async () => {
  const options = once(...(await postgresOptions(await server.issueClient(server.user))));
  const first = await runCommand(options);
  const summary = JSON.parse(first.stdout);
  expect(summary.etl, first.stderr).toMatchObject({ status: 'succeeded', loaded: 4857, errors: 0 });
  expect(first.status).toBe(0);
  expect(summary.etl.connections).toContainEqual(
    expect.objectContaining({ host: '127.0.0.1', protocol: 'TLSv1.3', verified: true }),
  );
  const counted = 'SELECT count(*) AS rows, count(DISTINCT order_id) AS orders FROM public.orders';
  expect(await query(counted)).toEqual([['4857', '4857']]);
  expect(await query("SELECT count(*) AS clear FROM public.orders WHERE customer LIKE '%@%'")).toEqual([
    ['0'],
  ]);
  const second = await runCommand(options);
  expect(JSON.parse(second.stdout).etl.status).toBe('succeeded');
  expect(await query(counted)).toEqual([['4857', '4857']]);
});

it('npm start names a server certificate that cannot be trusted, and loads nothing', async () => {
  const options = await postgresOptions(await server.issueClient(server.user));
  const other = await startPostgres({ leaf: { domains: ['localhost'], addresses: ['127.0.0.1'] } });
  try {
    const wrong = options.map((option) => (option === String(server.port) ? String(other.port) : option));
    const result = await runCommand([
      '--once',
      '--json',
      '--domains',
      join(directory, 'domains.json'),
      ...wrong,
    ]);
    expect(JSON.parse(result.stdout).etl.status).toBe('held');
    expect(result.stderr).toContain('certificate-untrusted');
    expect(result.status).toBe(1);
  } finally {
    await other.stop();
  }
});

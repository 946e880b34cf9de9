import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { portOf } from '../../local/loopback.ts';
import type { ClientCertificate, TlsPeer } from '../../shared/etl/connections/tls-peer.ts';
import { createTestCa, type LeafRequest, type TestCa, type TestPair } from './test-ca.ts';

export const databaseHost = 'db.example.com';

export interface PostgresServerOptions {
  /** What the server's certificate is to be otherwise. */
  readonly leaf?: Partial<LeafRequest> | undefined;
  readonly ca?: TestCa | undefined;
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** A real PostgreSQL over TLS on loopback, with a database `shop`. */
export interface PostgresServer {
  readonly ca: TestCa;
  readonly port: number;
  /** As a gate that found it good would hand it on; with the client certificate of `etl`. */
  readonly peer: TlsPeer;
  /** Comes in by its client certificate alone. */
  readonly user: 'etl';
  /** Comes in by its password alone. */
  readonly passwordUser: { readonly user: 'reader'; readonly password: string };
  issueClient(commonName: string, ca?: TestCa): Promise<ClientCertificate>;
  /** What the server has written to its log so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Everybody else, and everything without TLS, is refused. */
const hostRules = `hostssl all etl 127.0.0.1/32 cert
hostssl all reader 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 reject
`;
const passwordUser = { user: 'reader', password: "it's \\ a pass" } as const;

/** Starts a cluster in a directory of its own; takes a second or two. Stop it after the tests. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const ca = options.ca ?? (await createTestCa());
  const owner = unprivilegedOwner();
  const home = mkdtempSync(join(tmpdir(), 'postgresql-'));
  const data = join(home, 'data');
  mkdirSync(data, { mode: 0o700 });
  if (owner) for (const path of [home, data]) chownSync(path, owner.uid, owner.gid);
  const programs = { binaries: findBinaries(), owner };
  run(programs, 'initdb', ['-D', data, '-U', 'etl', '--auth=reject', '--encoding=UTF8', '--no-locale', '-N']);
  const pair = await ca.issue({ domains: [databaseHost], ...options.leaf });
  const write = (name: string, text: string) => {
    writeFileSync(join(data, name), text, { mode: 0o600 });
    if (owner) chownSync(join(data, name), owner.uid, owner.gid);
  };
  write('server.crt', pair.fullchainPem);
  write('server.key', pair.privateKeyPem);
  write('clients.crt', ca.rootPem);
  write('pg_hba.conf', hostRules);
  setUp(programs, data);
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    ssl: 'on',
    ssl_ca_file: 'clients.crt',
    fsync: 'off',
    log_statement: 'all',
    ...options.settings,
  };
  const server = await start(programs, data, settings);
  const client = await issueClient(ca, 'etl');
  return {
    ca,
    port,
    peer: peerOf({ port, ca, pair, client }),
    user: 'etl',
    passwordUser,
    issueClient: (commonName, by = ca) => issueClient(by, commonName),
    log: server.log,
    stop: async () => {
      await server.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

interface Programs {
  readonly binaries: string;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

const peerOf = ({
  port,
  ca,
  pair,
  client,
}: {
  port: number;
  ca: TestCa;
  pair: TestPair;
  client: ClientCertificate;
}) => ({
  host: databaseHost,
  port,
  roots: ca.rootPem,
  client,
  connectTo: { host: '127.0.0.1', port },
  fingerprints: [new X509Certificate(pair.leafPem).fingerprint256.replaceAll(':', '').toLowerCase()],
});

async function issueClient(ca: TestCa, commonName: string): Promise<ClientCertificate> {
  const { fullchainPem, privateKeyPem } = await ca.issue({
    domains: [`${commonName}.example.com`],
    commonName,
    usages: ['clientAuth'],
  });
  return { name: `${commonName}.example.com`, certificatePem: fullchainPem, privateKeyPem };
}

/** PostgreSQL refuses to run as root. */
function unprivilegedOwner(): Programs['owner'] {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

function findBinaries(): string {
  const packaged = '/usr/lib/postgresql';
  const versions = existsSync(packaged) ? readdirSync(packaged).sort((a, b) => Number(b) - Number(a)) : [];
  const places = [
    ...versions.map((version) => join(packaged, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  const found = places.find(
    (place) => existsSync(join(place, 'postgres')) && existsSync(join(place, 'initdb')),
  );
  if (found) return found;
  throw new Error('these tests need PostgreSQL 13 or later: install postgresql, or put its bin on the PATH');
}

const environment = { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' };

function run({ binaries, owner }: Programs, program: string, args: readonly string[], input?: string): void {
  execFileSync(join(binaries, program), args, {
    ...owner,
    env: environment,
    input: input ?? '',
    stdio: ['pipe', 'ignore', 'pipe'],
    timeout: 60_000,
  });
}

/** In single-user mode, where nobody can connect yet. */
function setUp(programs: Programs, data: string): void {
  const { user, password } = passwordUser;
  const sql = [
    'CREATE DATABASE shop',
    `CREATE ROLE ${user} LOGIN PASSWORD '${password.replaceAll("'", "''")}'`,
  ].join('\n');
  run(programs, 'postgres', ['--single', '-D', data, 'postgres'], `${sql}\n`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

async function start({ binaries, owner }: Programs, data: string, settings: Record<string, string>) {
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(binaries, 'postgres'), ['-D', data, ...args], {
    ...owner,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  let log = '';
  child.stderr.setEncoding('utf8');
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (text: string) => {
      log += text;
      if (log.includes('ready to accept connections')) resolve();
    });
    child.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${log}`)));
  });
  return { log: () => log, stop: () => stop(child, ended) };
}

/** SIGINT is its fast shutdown: sessions are ended and the files are left whole. */
async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGINT');
  await ended;
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createTestCa } from '../support/test-ca.ts';
import { chooseFreePorts } from './ports.ts';

/** Where challenges are answered on 127.0.0.1. */
export interface ChallengePorts {
  readonly http: number;
  readonly tls: number;
  readonly dns: number;
}

export interface Pebble {
  readonly directoryUrl: string;
  readonly challengePorts: ChallengePorts;
  /** PEM file: the root of Pebble's own HTTPS listener, and the root of what it issues. */
  readonly rootsFile: string;
  readonly log: readonly string[];
  readonly pid: number;
  stop(): Promise<void>;
}

const startMillis = 20_000;

/**
 * Starts a Pebble of its own: nothing is shared with another on the machine. It refuses 5 % of good nonces,
 * reuses half of the authorizations it could, validates without artificial delay, and asks the given DNS port
 * for every name. `environment` overrides these; with `retryAfterSeconds` of 0 it sends no Retry-After.
 */
export async function startPebble(
  environment: Readonly<Record<string, string>> = {},
  { retryAfterSeconds = 1 } = {},
): Promise<Pebble> {
  const [listen = 0, management = 0, http = 0, tls = 0, dns = 0] = await chooseFreePorts(5);
  const directory = await mkdtemp(join(tmpdir(), 'certfleet-pebble-'));
  const { listenerRoot, configFile } = await writeConfig({
    directory,
    listen,
    management,
    http,
    tls,
    retryAfterSeconds,
  });
  const child = spawn(
    findBinary(),
    ['-strict=false', '-config', configFile, '-dnsserver', `127.0.0.1:${dns}`],
    {
      env: {
        PATH: process.env.PATH,
        PEBBLE_VA_NOSLEEP: '1',
        PEBBLE_WFE_NONCEREJECT: '5',
        PEBBLE_AUTHZREUSE: '50',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const log: string[] = [];
  for (const input of [child.stdout, child.stderr])
    createInterface({ input }).on('line', (line) => log.push(line));
  const stop = async () => {
    await stopChild(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const directoryUrl = `https://127.0.0.1:${listen}/dir`;
    await waitUntilServed(directoryUrl, { root: listenerRoot, child });
    const issuingRoot = await fetchText(`https://127.0.0.1:${management}/roots/0`, listenerRoot);
    const rootsFile = join(directory, 'roots.pem');
    await writeFile(rootsFile, `${listenerRoot}${issuingRoot}`);
    return { directoryUrl, challengePorts: { http, tls, dns }, rootsFile, log, pid: child.pid ?? 0, stop };
  } catch (error) {
    await stop();
    throw new Error(`Pebble did not start; its log ends:\n${log.slice(-20).join('\n')}`, { cause: error });
  }
}

/** `PEBBLE` names the program; else the one that `.ci/run` puts into `.cache`. */
function findBinary(): string {
  const built = join(import.meta.dirname, '../../.cache/pebble/bin/pebble');
  const binary = process.env.PEBBLE ?? built;
  if (existsSync(binary)) return binary;
  throw new Error(`no Pebble at ${binary}: .ci/run installs it, or name one in PEBBLE`);
}

async function writeConfig(
  setting: Record<'listen' | 'management' | 'http' | 'tls' | 'retryAfterSeconds', number> & {
    directory: string;
  },
) {
  const ca = await createTestCa('Pebble Listener Root');
  const pair = await ca.issue({ domains: ['localhost'], addresses: ['127.0.0.1'] });
  const certificate = join(setting.directory, 'listener.pem');
  const privateKey = join(setting.directory, 'listener-key.pem');
  const configFile = join(setting.directory, 'config.json');
  const pebble = {
    listenAddress: `127.0.0.1:${setting.listen}`,
    managementListenAddress: `127.0.0.1:${setting.management}`,
    certificate,
    privateKey,
    httpPort: setting.http,
    tlsPort: setting.tls,
    ocspResponderURL: '',
    externalAccountBindingRequired: false,
    retryAfter: { authz: setting.retryAfterSeconds, order: setting.retryAfterSeconds },
    keyAlgorithm: 'ecdsa',
    profiles: { default: { description: 'ninety days', validityPeriod: 7_776_000 } },
  };
  await writeFile(certificate, pair.fullchainPem);
  await writeFile(privateKey, pair.privateKeyPem, { mode: 0o600 });
  await writeFile(configFile, JSON.stringify({ pebble }));
  return { configFile, listenerRoot: ca.rootPem };
}

async function waitUntilServed(url: string, pebble: { root: string; child: ChildProcess }): Promise<void> {
  const giveUpAt = performance.now() + startMillis;
  for (;;) {
    try {
      await fetchText(url, pebble.root);
      return;
    } catch (error) {
      if (pebble.child.exitCode !== null)
        throw new Error(`Pebble ended with status ${pebble.child.exitCode}`);
      if (performance.now() > giveUpAt) throw error;
      await new Promise((again) => setTimeout(again, 50));
    }
  }
}

const fetchText = (url: string, root: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { 'User-Agent': 'certfleet-conformance' };
    const request = get(url, { ca: root, headers, agent: false, timeout: 5000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer from ${url}`)));
    request.on('error', reject);
  });

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

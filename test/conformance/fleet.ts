import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Pebble } from './pebble.ts';

/** The summary that `npm start -- --once --json` prints, as its readers see it. */
export interface Summary {
  readonly certificates: {
    readonly total: number;
    readonly renewed: readonly string[];
    readonly skipped: readonly string[];
    readonly failed: readonly { readonly name: string; readonly error: string }[];
  };
  readonly deployed: number;
  readonly verified: number;
  readonly durationMs: number;
}

export interface Pass {
  readonly status: number | null;
  /** What was printed instead, where it was not one JSON document. */
  readonly summary: Summary | string;
  readonly complaints: string;
}

const repository = join(import.meta.dirname, '../..');
const passMillis = 240_000;

/**
 * One pass of the whole product over an inventory, by the command a person would type, against that Pebble.
 */
export async function runPass(pebble: Pebble, inventory: readonly unknown[]): Promise<Pass> {
  const directory = await mkdtemp(join(tmpdir(), 'certfleet-pass-'));
  const domains = join(directory, 'domains.json');
  await writeFile(domains, JSON.stringify(inventory));
  const { http, tls, dns } = pebble.challengePorts;
  const flags = { domains, directory: pebble.directoryUrl, 'ca-roots': pebble.rootsFile };
  const ports = { 'http-port': http, 'tls-port': tls, 'dns-port': dns };
  const options = Object.entries({ ...flags, ...ports }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);
  // Its own process group: npm does not pass a kill on to what it started.
  const child = spawn('npm', ['start', '--silent', '--', '--once', '--json', ...options], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const stop = () => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The whole group has ended already.
    }
  };
  const timer = setTimeout(stop, passMillis);
  try {
    const [printed, complaints, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    return { status, summary: readSummary(printed), complaints };
  } finally {
    clearTimeout(timer);
    stop();
    await rm(directory, { recursive: true, force: true });
  }
}

function readSummary(printed: string): Summary | string {
  try {
    return JSON.parse(printed) as Summary;
  } catch {
    return printed;
  }
}

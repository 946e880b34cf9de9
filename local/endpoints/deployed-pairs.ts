import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';

interface Pair {
  /** Changes whenever one of the two files does. */
  readonly stamp: string;
  readonly names: readonly string[];
  readonly notBefore: Date;
  readonly context: SecureContext;
}

interface Slot {
  /** The state of the files that was last tried, readable or not. */
  readonly stamp: string;
  /** The last pair that was whole. */
  readonly pair: Pair | undefined;
}

/**
 * The pairs under `<deployDirectory>/<storage name>/{fullchain,privkey}.pem`, by the names their leaves hold.
 * `refresh` looks at every file's state, so that a pair is served from the moment it is written; a pair that is
 * half written or does not match leaves the one before in service. A removed directory ends its service.
 */
export class DeployedPairs {
  readonly #deployDirectory: string;
  #slots = new Map<string, Slot>();

  constructor(deployDirectory: string) {
    this.#deployDirectory = deployDirectory;
  }

  refresh(): void {
    const slots = new Map<string, Slot>();
    for (const name of listDirectories(this.#deployDirectory)) {
      const directory = join(this.#deployDirectory, name);
      const known = this.#slots.get(name);
      const stamp = stampOf(directory);
      const fresh = known?.stamp === stamp ? known : { stamp, pair: load(directory, stamp) ?? known?.pair };
      slots.set(name, fresh);
    }
    this.#slots = slots;
  }

  /** The newest pair whose leaf names `serverName` itself, else the newest with a wildcard over it. */
  find(serverName: string): SecureContext | undefined {
    const wildcard = serverName.replace(/^[^.]+/, '*');
    return (this.#newestWith(serverName) ?? this.#newestWith(wildcard))?.context;
  }

  #newestWith(name: string): Pair | undefined {
    return [...this.#slots.values()]
      .flatMap(({ pair }) => (pair?.names.includes(name) ? [pair] : []))
      .reduce<Pair | undefined>(
        (best, pair) => (best && best.notBefore >= pair.notBefore ? best : pair),
        undefined,
      );
  }
}

function listDirectories(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map((entry) => entry.name);
  } catch {
    // Nothing has been deployed yet.
    return [];
  }
}

function stampOf(directory: string): string {
  return ['fullchain.pem', 'privkey.pem']
    .map((file) => {
      const state = statSync(join(directory, file), { bigint: true, throwIfNoEntry: false });
      return state ? `${state.ino}:${state.size}:${state.mtimeNs}` : 'absent';
    })
    .join(' ');
}

function load(directory: string, stamp: string): Pair | undefined {
  try {
    const cert = readFileSync(join(directory, 'fullchain.pem'));
    const key = readFileSync(join(directory, 'privkey.pem'));
    const leaf = new X509Certificate(cert);
    // Throws unless the key belongs to the leaf.
    const context = createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
    return { stamp, names: dnsNamesOf(leaf), notBefore: leaf.validFromDate, context };
  } catch {
    return undefined;
  }
}

const dnsNamesOf = (leaf: X509Certificate): readonly string[] =>
  [...(leaf.subjectAltName ?? '').matchAll(/DNS:([^\s,"]+)/g)].map((match) => (match[1] ?? '').toLowerCase());

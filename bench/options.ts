import { parseArgs } from 'node:util';
import { peers } from './contenders.ts';

export interface BenchOptions {
  readonly certificates: number;
  readonly concurrency: number;
  readonly rounds: number;
  /** Percent. */
  readonly nonceReject: number;
  readonly retryAfterSeconds: number;
  readonly peers: readonly string[];
  /** The embedded AWS keeps nothing on disk. */
  readonly forgetful: boolean;
  readonly json: boolean;
}

const peerNames = peers.map(({ name }) => name);

export const usage = `Usage: npm run bench:renew -- [options]

Renews certificates with certfleet and with its peers, one after the other, against one Pebble on this machine, and
says what each costs per certificate.

  --certificates N   certificates of a contender in a round (default: 64)
  --concurrency N    certificates under way at once (default: 16)
  --rounds N         rounds, of which medians are shown (default: 3)
  --nonce-reject N   percent of good nonces Pebble refuses (default: 5)
  --retry-after N    seconds Pebble asks clients to wait between polls (default: 0, it asks for nothing)
  --peers A,B        beside certfleet (default: ${peerNames.join(',')}; none: an empty list)
  --forgetful        the embedded AWS keeps its state in memory, as npm start without --data-dir
  --json             one JSON document on stdout, everything else on stderr
  --help             this text

LEGO and CERTBOT name programs that are not on PATH. PEBBLE names the CA, .cache/pebble/bin/pebble otherwise.
Status: 0 done, 1 a renewal of certfleet's failed, 2 bad options or no start, 130 interrupted.
`;

/** Reads the command line; 'help' asks for the usage. @throws Error telling every bad option */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const number = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      certificates: number('64'),
      concurrency: number('16'),
      rounds: number('3'),
      'nonce-reject': number('5'),
      'retry-after': number('0'),
      peers: { type: 'string', default: peerNames.join(',') },
      forgetful: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const chosen = values.peers.split(',').filter(Boolean);
  const unknown = chosen.filter((name) => !peerNames.includes(name));
  if (unknown.length > 0) throw new Error(`--peers knows ${peerNames.join(', ')}, not ${unknown.join(', ')}`);
  return {
    certificates: readCount('certificates', values.certificates, { from: 1, to: 10_000 }),
    concurrency: readCount('concurrency', values.concurrency, { from: 1, to: 256 }),
    rounds: readCount('rounds', values.rounds, { from: 1, to: 100 }),
    nonceReject: readCount('nonce-reject', values['nonce-reject'], { from: 0, to: 95 }),
    retryAfterSeconds: readCount('retry-after', values['retry-after'], { from: 0, to: 60 }),
    peers: chosen,
    forgetful: values.forgetful,
    json: values.json,
  };
}

function readCount(name: string, text: string, { from, to }: { from: number; to: number }): number {
  const value = Number(text);
  if (Number.isInteger(value) && text.trim() !== '' && value >= from && value <= to) return value;
  throw new Error(`--${name} must be a whole number from ${from} to ${to}, not "${text}"`);
}

import { createSecretKey } from 'node:crypto';
import { Failure } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import { createKeyedHash } from './keyed-hash.ts';

const firstCapacity = 1_024;
const mostKeys = 4_000_000;

/**
 * The keys seen in one window, as 64-bit keyed fingerprints: 16 bytes a key and no key in memory. Not exact: of n
 * distinct keys one is taken for another with a chance of n²/2^65, 3 in 10 million for the 4 million a window takes.
 * Never misses a true duplicate.
 */
export interface SeenKeys {
  readonly size: number;
  /** Remembers a key; false when it was there already. @throws Failure `dedupe-window-full` */
  add(key: string): boolean;
}

export function createSeenKeys(random: Random): SeenKeys {
  const secret = createSecretKey(
    Buffer.from(Uint32Array.from({ length: 8 }, () => random() * 2 ** 32).buffer),
  );
  const hash = createKeyedHash(secret);
  let table = new Uint32Array(firstCapacity * 2);
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(key) {
      const digest = hash(key, 'hex');
      const high = Number.parseInt(digest.slice(0, 8), 16);
      // Two zeros mark a free place.
      const low = Number.parseInt(digest.slice(8, 16), 16) || 1;
      if (!insert(table, high, low)) return false;
      if (++size > mostKeys) throw full();
      if (size * 3 > table.length) table = grow(table);
      return true;
    },
  };
}

/** Linear probing; false when it was there. */
function insert(table: Uint32Array, high: number, low: number): boolean {
  const mask = table.length / 2 - 1;
  for (let place = high & mask; ; place = (place + 1) & mask) {
    const storedLow = table[place * 2 + 1];
    if (storedLow === 0) {
      table[place * 2] = high;
      table[place * 2 + 1] = low;
      return true;
    }
    if (storedLow === low && table[place * 2] === high) return false;
  }
}

function grow(table: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(table.length * 2);
  for (let at = 0; at < table.length; at += 2) {
    const low = table[at + 1] ?? 0;
    if (low !== 0) insert(larger, table[at] ?? 0, low);
  }
  return larger;
}

const full = () =>
  new Failure({
    code: 'dedupe-window-full',
    disposition: 'give-up',
    message: `more than ${mostKeys} distinct keys in one window; read the source in smaller chunks`,
  });

import type { Random } from '../../runtime/random.ts';
import type { DataKey } from '../cells/data-keys.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { createObjectSealer, openObject } from '../objects/sealed-object.ts';
import { requireBytes, sha256 } from './work-objects.ts';

/** A sealed object of lines, as an index lists it. */
export interface Part {
  readonly key: string;
  readonly versionId: string;
  readonly lines: number;
  /** SHA-256 of the lines before they were sealed, hexadecimal. */
  readonly digest: string;
}

/** Where parts are kept, and under which key. */
export interface PartShelf {
  readonly store: ObjectStore;
  readonly dataKey: DataKey;
  readonly random: Random;
}

/** What fits into memory beside its sealed twin, in a function of 512 MB. */
const mostBytes = 16 * 1024 * 1024;
const mostLines = 50_000;

export interface PartWriter {
  /** One line, without its line break. */
  add(line: string): void;
  /** Lines that wait to be written. */
  readonly waiting: number;
  /** To be asked after each batch: writes what has become a part's worth. */
  flushFull(): Promise<void>;
  /** Writes what waits. */
  flush(): Promise<void>;
  readonly parts: readonly Part[];
}

/**
 * Writes lines as parts under `prefix`, which must be this worker's alone: it carries the fence. `before` are the
 * parts that an earlier worker has handed over.
 */
export function createPartWriter(
  shelf: PartShelf,
  { prefix, before = [] }: { prefix: string; before?: readonly Part[] },
): PartWriter {
  const seal = createObjectSealer(shelf.random);
  const parts: Part[] = [...before];
  const waiting = createLineBuffer();
  const flush = async () => {
    const { lines } = waiting;
    if (lines === 0) return;
    const text = waiting.bytes();
    const key = `${prefix}${String(parts.length).padStart(5, '0')}`;
    const body = seal(shelf.dataKey, { key }, text);
    const written = await shelf.store.create({ key, body, contentType: 'application/octet-stream' });
    // Taken by this worker's own write, whose answer was lost: sealed anew it is another one, with the same lines.
    const versionId = written?.versionId ?? (await shelf.store.head(key))?.versionId ?? '';
    parts.push({ key, versionId, lines, digest: sha256(text) });
    waiting.clear();
  };
  return {
    get parts() {
      return parts;
    },
    get waiting() {
      return waiting.lines;
    },
    add: waiting.add,
    async flushFull() {
      if (waiting.bytes().length >= mostBytes || waiting.lines >= mostLines) await flush();
    },
    flush,
  };
}

const firstCapacity = 64 * 1024;
const lineFeed = 0x0a;

/** Lines as the bytes they will be, in memory that is used again: kept as text they would outlive the young heap. */
function createLineBuffer() {
  let buffer = Buffer.alloc(0);
  let used = 0;
  let lines = 0;
  return {
    get lines() {
      return lines;
    },
    /** Valid until the next line. */
    bytes: () => buffer.subarray(0, used),
    add(line: string) {
      // A UTF-16 unit takes three bytes at most.
      const wanted = used + line.length * 3 + 1;
      if (wanted > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(wanted, buffer.length * 2, firstCapacity));
        buffer.copy(larger, 0, 0, used);
        buffer = larger;
      }
      used += buffer.write(line, used, 'utf8');
      buffer[used] = lineFeed;
      used += 1;
      lines += 1;
    },
    clear() {
      used = 0;
      lines = 0;
    },
  };
}

/** The lines of a part, as one text that ends with a line break. @throws Failure `work-object-missing`, those of `openObject` */
export async function readPart(
  { store, dataKey }: Omit<PartShelf, 'random'>,
  { key, versionId }: Part,
): Promise<Uint8Array> {
  return openObject(dataKey, { key }, await requireBytes(store, key, versionId));
}

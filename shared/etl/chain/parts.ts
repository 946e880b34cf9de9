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
  let lines: string[] = [];
  let bytes = 0;
  const flush = async () => {
    if (lines.length === 0) return;
    const text = Buffer.from(`${lines.join('\n')}\n`);
    const key = `${prefix}${String(parts.length).padStart(5, '0')}`;
    const body = seal(shelf.dataKey, { key }, text);
    const written = await shelf.store.create({ key, body, contentType: 'application/octet-stream' });
    // Taken by this worker's own write, whose answer was lost: sealed anew it is another one, with the same lines.
    const versionId = written?.versionId ?? (await shelf.store.head(key))?.versionId ?? '';
    parts.push({ key, versionId, lines: lines.length, digest: sha256(text) });
    lines = [];
    bytes = 0;
  };
  return {
    get parts() {
      return parts;
    },
    get waiting() {
      return lines.length;
    },
    add(line) {
      lines.push(line);
      bytes += line.length;
    },
    async flushFull() {
      if (bytes >= mostBytes || lines.length >= mostLines) await flush();
    },
    flush,
  };
}

/** The lines of a part, as one text that ends with a line break. @throws Failure `work-object-missing`, those of `openObject` */
export async function readPart(
  { store, dataKey }: Omit<PartShelf, 'random'>,
  { key, versionId }: Part,
): Promise<Uint8Array> {
  return openObject(dataKey, { key }, await requireBytes(store, key, versionId));
}

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';

// Keys live in these files: the owner alone may read them.
const ownerOnly = 0o600;

/** Replaces `path` in one move: whoever reads it sees the old text or the new, never a part. */
export function writeWhole(path: string, text: string): void {
  const draft = `${path}.new`;
  const file = openSync(draft, 'w', ownerOnly);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}

/** The file's text; undefined when there is none. */
export function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export interface JournalEntry {
  readonly kind: string;
  readonly record: { readonly id: string };
}

const toLine = (entry: JournalEntry): string => `${JSON.stringify(entry)}\n`;

/** An append-only file of JSON lines; every line is in the kernel's hands when `append` returns. */
export class Journal {
  #file: number | undefined;

  private constructor(file: number) {
    this.#file = file;
  }

  /**
   * Opens or creates the journal and answers the last entry of each record, in the order the records first
   * appeared; the rest is compacted away. A last line cut short by a kill was never confirmed to anybody.
   */
  static open(path: string): { journal: Journal; entries: JournalEntry[] } {
    const lines = (readIfPresent(path) ?? '').split('\n');
    lines.pop();
    const latest = new Map<string, JournalEntry>();
    for (const line of lines) {
      const entry = JSON.parse(line) as JournalEntry;
      latest.set(`${entry.kind} ${entry.record.id}`, entry);
    }
    const entries = [...latest.values()];
    writeWhole(path, entries.map(toLine).join(''));
    return { journal: new Journal(openSync(path, 'a', ownerOnly)), entries };
  }

  append(entry: JournalEntry): void {
    // The number of a closed file may already be another file's.
    if (this.#file === undefined) throw new Error('the journal is closed');
    writeSync(this.#file, toLine(entry));
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

/** What a heap orders; `place` is the heap's own, -1 while the entry is in none. */
export interface HeapEntry {
  readonly name: string;
  /** A number, since a Date takes seven times its memory. */
  nextActionAtMillis: number;
  place: number;
}

/**
 * The due index of one shard in memory: a binary heap by time in which every entry knows its place, so that one
 * can be moved or taken out in O(log n). Finding what is due visits that and its direct children.
 */
export class DueHeap<Entry extends HeapEntry> {
  readonly #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  first(): Entry | undefined {
    return this.#entries[0];
  }

  add(entry: Entry): void {
    this.#put(entry, this.#entries.length);
    this.#rise(entry);
  }

  /** Puts an entry right after its time has changed. */
  move(entry: Entry): void {
    this.#rise(entry);
    this.#sink(entry);
  }

  remove(entry: Entry): void {
    const last = this.#entries.pop();
    if (last && last !== entry) {
      this.#put(last, entry.place);
      this.move(last);
    }
    entry.place = -1;
  }

  /** At most `limit` entries that are due at `until`, oldest first. */
  findDue({ until, limit }: { until: Date; limit: number }): Entry[] {
    const due: Entry[] = [];
    const untilMillis = until.getTime();
    // Latest first, so that the earliest is taken from the end; taking one makes candidates of its children.
    const candidates = this.#entries.slice(0, 1);
    while (due.length < limit) {
      const next = candidates.pop();
      if (!next || next.nextActionAtMillis > untilMillis) return due;
      due.push(next);
      for (const child of this.#childrenOf(next.place)) addCandidate(candidates, child);
    }
    return due;
  }

  #rise(entry: Entry): void {
    for (;;) {
      const parent = this.#entries[(entry.place - 1) >> 1];
      if (!parent || !isEarlier(entry, parent)) return;
      this.#swap(entry, parent);
    }
  }

  #sink(entry: Entry): void {
    for (;;) {
      const [left, right] = this.#childrenOf(entry.place);
      const child = left && right && isEarlier(right, left) ? right : left;
      if (!child || !isEarlier(child, entry)) return;
      this.#swap(entry, child);
    }
  }

  #childrenOf(place: number): Entry[] {
    return this.#entries.slice(2 * place + 1, 2 * place + 3);
  }

  #swap(one: Entry, other: Entry): void {
    const place = one.place;
    this.#put(one, other.place);
    this.#put(other, place);
  }

  #put(entry: Entry, place: number): void {
    this.#entries[place] = entry;
    entry.place = place;
  }
}

function addCandidate<Entry extends HeapEntry>(latestFirst: Entry[], entry: Entry): void {
  let [from, to] = [0, latestFirst.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const other = latestFirst[middle];
    if (other && isEarlier(entry, other)) from = middle + 1;
    else to = middle;
  }
  latestFirst.splice(from, 0, entry);
}

/** By time; entries of one instant by name, so that a fleet comes in the same order every time. */
function isEarlier(one: HeapEntry, other: HeapEntry): boolean {
  const difference = one.nextActionAtMillis - other.nextActionAtMillis;
  return difference === 0 ? one.name < other.name : difference < 0;
}

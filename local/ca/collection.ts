/** Records by id, with the newest record of each index key at hand. */
export class Collection<Item extends { readonly id: string }> {
  readonly #items = new Map<string, Item>();
  readonly #newest = new Map<string, string>();
  readonly #indexKeys: (item: Item) => readonly string[];
  readonly #save: (item: Item) => void;

  constructor(indexKeys: (item: Item) => readonly string[], save: (item: Item) => void) {
    this.#indexKeys = indexKeys;
    this.#save = save;
  }

  get(id: string): Item | undefined {
    return this.#items.get(id);
  }

  /** The item that took this index key last and still has it. */
  findNewest(indexKey: string): Item | undefined {
    const item = this.#items.get(this.#newest.get(indexKey) ?? '');
    return item !== undefined && this.#indexKeys(item).includes(indexKey) ? item : undefined;
  }

  /** Saves the item before anyone can see it. */
  put(item: Item): Item {
    this.#save(item);
    return this.restore(item);
  }

  restore(item: Item): Item {
    const before = this.#items.get(item.id);
    const keysBefore = before === undefined ? [] : this.#indexKeys(before);
    for (const indexKey of this.#indexKeys(item)) {
      if (!keysBefore.includes(indexKey)) this.#newest.set(indexKey, item.id);
    }
    this.#items.set(item.id, item);
    return item;
  }

  values(): Iterable<Item> {
    return this.#items.values();
  }
}

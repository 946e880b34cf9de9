/** A binary heap: the item that comes first by `isBefore` is taken first. */
export interface PriorityQueue<Item> {
  add(item: Item): void;
  peek(): Item | undefined;
  take(): Item | undefined;
}

export function createPriorityQueue<Item>(isBefore: (a: Item, b: Item) => boolean): PriorityQueue<Item> {
  const heap: Item[] = [];

  const rise = (item: Item) => {
    let hole = heap.length;
    while (hole > 0) {
      const above = (hole - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(item, parent)) break;
      heap[hole] = parent;
      hole = above;
    }
    heap[hole] = item;
  };

  const sink = (item: Item) => {
    let hole = 0;
    for (;;) {
      const left = 2 * hole + 1;
      const [first, second] = [heap[left], heap[left + 1]];
      if (first === undefined) break;
      const goesRight = second !== undefined && isBefore(second, first);
      const child = goesRight ? second : first;
      if (!isBefore(child, item)) break;
      heap[hole] = child;
      hole = goesRight ? left + 1 : left;
    }
    heap[hole] = item;
  };

  return {
    add: rise,
    peek: () => heap[0],
    take() {
      const [first] = heap;
      const last = heap.pop();
      if (last !== undefined && heap.length > 0) sink(last);
      return first;
    },
  };
}

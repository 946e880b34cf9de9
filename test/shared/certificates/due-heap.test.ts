import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueHeap, type HeapEntry } from '../../../shared/certificates/due-heap.ts';
import { noon } from '../../support/builders.ts';

const at = (minutes: number) => new Date(noon.getTime() + minutes * 60_000);
const anEntry = (name: string, minutes: number): HeapEntry => ({
  name,
  nextActionAtMillis: at(minutes).getTime(),
  place: -1,
});

describe('the due index in memory', () => {
  it('finds what a sorted list of the fleet would, through any additions, moves and removals', () => {
    const operation = fc.record({
      name: fc.integer({ min: 0, max: 30 }).map(String),
      minutes: fc.integer({ min: 0, max: 20 }),
      kind: fc.constantFrom('put', 'put', 'remove'),
    });
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 200 }),
        fc.nat(20),
        fc.nat(40),
        (operations, until, limit) => {
          const heap = new DueHeap<HeapEntry>();
          const entries = new Map<string, HeapEntry>();
          for (const { name, minutes, kind } of operations) {
            const known = entries.get(name);
            if (kind === 'remove') {
              if (known) heap.remove(known);
              entries.delete(name);
            } else if (known) {
              known.nextActionAtMillis = at(minutes).getTime();
              heap.move(known);
            } else {
              const entry = anEntry(name, minutes);
              entries.set(name, entry);
              heap.add(entry);
            }
          }
          const sorted = [...entries.values()].sort(
            (a, b) => a.nextActionAtMillis - b.nextActionAtMillis || (a.name < b.name ? -1 : 1),
          );
          expect(heap.size).toBe(sorted.length);
          expect(heap.first()).toEqual(sorted[0]);
          const due = sorted
            .filter(({ nextActionAtMillis }) => nextActionAtMillis <= at(until).getTime())
            .slice(0, limit);
          expect(heap.findDue({ until: at(until), limit })).toEqual(due);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('looks at what is due and not at the fleet', () => {
    const heap = new DueHeap<HeapEntry>();
    let looks = 0;
    for (let index = 0; index < 100_000; index++) {
      heap.add({
        name: String(index),
        place: -1,
        get nextActionAtMillis() {
          looks++;
          return at(index).getTime();
        },
      });
    }
    looks = 0;
    expect(heap.findDue({ until: at(999), limit: 10_000 })).toHaveLength(1000);
    expect(looks).toBeLessThan(50_000);
    looks = 0;
    expect(heap.findDue({ until: at(99_999), limit: 200 })).toHaveLength(200);
    expect(looks).toBeLessThan(10_000);
  });
});

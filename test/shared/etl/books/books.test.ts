import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addBooks,
  type Books,
  booksOf,
  countNames,
  emptyBooks,
  findImbalances,
  foldReplay,
} from '../../../../shared/etl/books/books.ts';

const count = fc.nat(1_000_000);
const anyBooks: fc.Arbitrary<Books> = fc
  .tuple(...countNames.map(() => count))
  .map((counts) => booksOf(Object.fromEntries(countNames.map((name, index) => [name, counts[index] ?? 0]))));
const balanced: fc.Arbitrary<Books> = fc
  .record({
    filtered: count,
    quarantined: count,
    duplicates: count,
    inserted: count,
    updated: count,
    unchanged: count,
  })
  .map((parts) => {
    const staged = parts.inserted + parts.updated + parts.unchanged;
    return { ...parts, staged, extracted: staged + parts.filtered + parts.quarantined + parts.duplicates };
  });

describe('books', () => {
  it('add up the same in any order and grouping', () => {
    fc.assert(
      fc.property(anyBooks, anyBooks, anyBooks, (a, b, c) => {
        const sum = addBooks([a, b, c]);
        expect(addBooks([addBooks([a, b]), c])).toEqual(sum);
        expect(addBooks([a, addBooks([b, c])])).toEqual(sum);
        expect(addBooks([c, a, b])).toEqual(sum);
        expect(addBooks([a, emptyBooks])).toEqual(a);
      }),
    );
  });

  it('that balance still do when added up', () => {
    fc.assert(
      fc.property(fc.array(balanced), (parts) => {
        expect(findImbalances(addBooks(parts))).toEqual([]);
      }),
    );
  });

  it('that balance do no longer when any one count is another', () => {
    fc.assert(
      fc.property(
        balanced,
        fc.constantFrom(...countNames),
        fc.integer({ min: 1, max: 9 }),
        (books, name, more) => {
          expect(findImbalances({ ...books, [name]: books[name] + more })).not.toEqual([]);
        },
      ),
    );
  });

  it('name the side that does not come out, by how many and in which terms', () => {
    const books = booksOf({
      extracted: 10,
      filtered: 1,
      quarantined: 2,
      duplicates: 1,
      staged: 5,
      inserted: 6,
    });
    expect(findImbalances(books)).toEqual([
      {
        law: 'extraction',
        difference: 1,
        message: 'extracted 10 is not filtered 1 + quarantined 2 + duplicates 1 + staged 5 = 9: 1 missing',
      },
      {
        law: 'load',
        difference: -1,
        message: 'staged 5 is not inserted 6 + updated 0 + unchanged 0 = 6: 1 too many',
      },
    ]);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('take %d for no count', (filtered) => {
    expect(findImbalances(booksOf({ filtered }))).toMatchObject([{ law: 'count', message: /^filtered: / }]);
  });

  it('of a load and of the replay of its quarantine balance as one', () => {
    fc.assert(
      fc.property(balanced, balanced, (load, replay) => {
        const enough = {
          ...load,
          quarantined: load.quarantined + replay.extracted,
          extracted: load.extracted + replay.extracted,
        };
        const folded = foldReplay(enough, replay);
        expect(findImbalances(folded)).toEqual([]);
        expect(folded.extracted).toBe(enough.extracted);
        expect(folded.quarantined).toBe(load.quarantined + replay.quarantined);
      }),
    );
  });
});

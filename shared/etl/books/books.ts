/**
 * What became of the records of a chunk, a run, or many runs. A stage states its own part: `extracted` by the
 * source, `filtered`, `quarantined` and `duplicates` by whoever set them aside, `staged` counted in the staging
 * place, and the last three as told by the target.
 */
export const countNames = [
  'extracted',
  'filtered',
  'quarantined',
  'duplicates',
  'staged',
  'inserted',
  'updated',
  'unchanged',
] as const;

export type CountName = (typeof countNames)[number];
/** Whole numbers of records, none below zero. */
export type Books = Readonly<Record<CountName, number>>;

export const emptyBooks: Books = {
  extracted: 0,
  filtered: 0,
  quarantined: 0,
  duplicates: 0,
  staged: 0,
  inserted: 0,
  updated: 0,
  unchanged: 0,
};

/** A stage's part as books. */
export const booksOf = (part: Partial<Books>): Books => ({ ...emptyBooks, ...part });

/** Sums; the order and the grouping of the parts are all the same. */
export function addBooks(parts: readonly Books[]): Books {
  const sums = { ...emptyBooks };
  for (const part of parts) for (const name of countNames) sums[name] += part[name];
  return sums;
}

/** A side of the law that does not come out; `difference` > 0: records are missing, < 0: there are too many. */
export interface Imbalance {
  readonly law: 'extraction' | 'load' | 'count';
  readonly difference: number;
  /** Names and numbers alone. */
  readonly message: string;
}

/**
 * The conservation law, empty where it holds: extracted = filtered + quarantined + duplicates + staged, and
 * staged = inserted + updated + unchanged. Where it does not hold, records were lost or made up.
 */
export function findImbalances(books: Books): readonly Imbalance[] {
  const impossible = countNames.filter((name) => !Number.isSafeInteger(books[name]) || books[name] < 0);
  if (impossible.length > 0)
    return [{ law: 'count', difference: 0, message: `${impossible.join(', ')}: no whole number of records` }];
  return [
    ...compare(books, { law: 'extraction', whole: 'extracted', parts: setAside }),
    ...compare(books, { law: 'load', whole: 'staged', parts: told }),
  ];
}

const setAside: readonly CountName[] = ['filtered', 'quarantined', 'duplicates', 'staged'];
const told: readonly CountName[] = ['inserted', 'updated', 'unchanged'];

function compare(
  books: Books,
  { law, whole, parts }: { law: 'extraction' | 'load'; whole: CountName; parts: readonly CountName[] },
): Imbalance[] {
  const sum = parts.reduce((total, name) => total + books[name], 0);
  const difference = books[whole] - sum;
  if (difference === 0) return [];
  const verdict = difference > 0 ? `${difference} missing` : `${-difference} too many`;
  const terms = parts.map((name) => `${name} ${books[name]}`).join(' + ');
  return [{ law, difference, message: `${whole} ${books[whole]} is not ${terms} = ${sum}: ${verdict}` }];
}

/**
 * The books of a load and of a replay of its quarantine as one: what the replay took out of quarantine is no
 * longer counted there, and what it put back is. Balanced where both are.
 */
export function foldReplay(load: Books, replay: Books): Books {
  const { extracted, ...became } = replay;
  return addBooks([load, booksOf({ ...became, quarantined: replay.quarantined - extracted })]);
}

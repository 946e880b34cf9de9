import type { ExampleOrder, OrderFate } from './example-orders.ts';

/** What a run over example orders must come to, known without running it. */
export interface ExpectedBooks {
  readonly extracted: number;
  readonly filtered: number;
  readonly quarantined: number;
  readonly duplicates: number;
  readonly staged: number;
  /** Records set aside by the code of a reason; a record may have several. */
  readonly quarantineCodes: Readonly<Record<string, number>>;
  /** Rows by column that the contract does not know. */
  readonly unknownColumns: Readonly<Record<string, number>>;
}

export function expectedBooks(orders: readonly ExampleOrder[]): ExpectedBooks {
  const count = (fate: OrderFate) => orders.filter((order) => order.fate === fate).length;
  const keys = orders.flatMap(({ record }) =>
    typeof record === 'object' && record !== null ? Object.keys(record) : [],
  );
  return {
    extracted: orders.length,
    filtered: count('filtered'),
    quarantined: count('quarantined'),
    duplicates: count('duplicate'),
    staged: count('staged'),
    quarantineCodes: tally(orders.flatMap(({ codes }) => codes)),
    unknownColumns: tally(keys.filter((key) => key === 'utm_campaign' || key === 'loyalty_tier')),
  };
}

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries(counts);
}

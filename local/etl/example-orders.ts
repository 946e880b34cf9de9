import type { Window } from '../../shared/etl/run/window.ts';
import { type ExampleCustomer, exampleCustomer } from './example-customers.ts';
import { exampleFlaws } from './example-flaws.ts';
import { anOrderRow } from './order-row.ts';
import { seededRandom } from './seeded-random.ts';

/** What is to become of a record. */
export type OrderFate = 'staged' | 'filtered' | 'duplicate' | 'quarantined';

export interface ExampleOrder {
  /** When the shop took it, whatever the record says. */
  readonly orderedAt: Date;
  /** As the API sends it. */
  readonly record: unknown;
  readonly fate: OrderFate;
  /** Codes of the reasons to set it aside for; empty unless quarantined. */
  readonly codes: readonly string[];
  readonly customer: ExampleCustomer;
}

const customers = 20_000;
const orderIds = 100_000_000;

/** Shares of a window's records; what is set aside stays far below the 5 % at which the example fails. */
const shares = { test: 0.02, duplicate: 0.006, flawed: 0.003 } as const;

/**
 * The orders of a window, `count` records in the order of time, always the same for the same window: most of them
 * good, some test orders, some delivered twice, some wrong. Order numbers differ from those of other windows of the
 * same length and count.
 */
export function exampleOrders(window: Window, count = 5_000): readonly ExampleOrder[] {
  const random = seededRandom(`orders ${window.from.toISOString()}`);
  const lengthMillis = window.to.getTime() - window.from.getTime();
  const firstId = (Math.floor(window.from.getTime() / lengthMillis) * count) % (orderIds - count);
  const every = (share: number) => Math.max(1, Math.round(1 / share));
  const orders: ExampleOrder[] = [];
  let flaws = 0;
  let lastGood: ExampleOrder | undefined;
  for (let index = 0; index < count; index += 1) {
    const place = index + 1;
    if (place % every(shares.duplicate) === 0 && lastGood) {
      orders.push({ ...lastGood, fate: 'duplicate' });
      continue;
    }
    const orderedAt = new Date(
      window.from.getTime() + Math.floor(((index + random()) / count) * lengthMillis),
    );
    const customer = exampleCustomer(Math.floor(random() * customers));
    const row = anOrderRow(random, { orderedAt, customer, id: firstId + index });
    if (place % every(shares.flawed) === every(shares.flawed) - 1) {
      const flaw = exampleFlaws[flaws % exampleFlaws.length] ?? exampleFlaws[0];
      flaws += 1;
      orders.push({ orderedAt, customer, record: flaw.spoil(row), fate: 'quarantined', codes: flaw.codes });
    } else if (place % every(shares.test) === 1) {
      orders.push({ orderedAt, customer, record: { ...row, status: 'test' }, fate: 'filtered', codes: [] });
    } else {
      lastGood = { orderedAt, customer, record: row, fate: 'staged', codes: [] };
      orders.push(lastGood);
    }
  }
  return orders.sort((one, other) => one.orderedAt.getTime() - other.orderedAt.getTime());
}

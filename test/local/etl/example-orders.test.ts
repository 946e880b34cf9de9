import { describe, expect, it } from 'vitest';
import { exampleFlaws } from '../../../local/etl/example-flaws.ts';
import { type ExampleOrder, exampleOrders } from '../../../local/etl/example-orders.ts';
import { expectedBooks } from '../../../local/etl/expected-books.ts';
import { plantedValues } from '../../../local/etl/planted-values.ts';
import { exampleRun } from './example-run.ts';

const hour = (hours: number) => ({
  from: new Date(Date.UTC(2026, 10, 22, hours)),
  to: new Date(Date.UTC(2026, 10, 22, hours + 1)),
});
const orders = exampleOrders(hour(6));
const idsOf = (some: readonly ExampleOrder[]) =>
  new Set(
    some
      .filter(({ fate }) => fate === 'staged')
      .map(({ record }) => (record as { order_id: string }).order_id),
  );

describe('example orders', () => {
  it('are the same for the same window, and other ones for another', () => {
    expect(exampleOrders(hour(6))).toEqual(orders);
    const ids = idsOf(orders);
    expect([...idsOf(exampleOrders(hour(7)))].filter((id) => ids.has(id))).toEqual([]);
    expect(exampleOrders(hour(7))[0]?.customer).not.toEqual(orders[0]?.customer);
  });

  it('are 5,000 in the order of time, all within the window', () => {
    const instants = orders.map(({ orderedAt }) => orderedAt.getTime());
    expect(orders).toHaveLength(5000);
    expect(instants).toEqual(instants.toSorted((left, right) => left - right));
    expect(instants[0]).toBeGreaterThanOrEqual(hour(6).from.getTime());
    expect(instants.at(-1)).toBeLessThan(hour(6).to.getTime());
  });

  it('have every flaw once at least', () => {
    const codes = new Set(orders.flatMap(({ codes }) => codes));
    expect(codes).toEqual(new Set(exampleFlaws.flatMap((flaw) => flaw.codes)));
    expect(orders.filter(({ fate }) => fate === 'quarantined')).toHaveLength(exampleFlaws.length);
  });

  it('have the same customer in more than one window, so that pseudonyms can be joined', () => {
    const emails = new Set(orders.map(({ customer }) => customer.email));
    const again = exampleOrders(hour(7)).filter(({ customer }) => emails.has(customer.email));
    expect(again.length).toBeGreaterThan(100);
  });

  it('name nobody: addresses of documentation domains, numbers of no country', () => {
    for (const { customer } of orders) {
      expect(customer.email).toMatch(/^[a-z]+\.[a-z]+\.\d+@example\.(com|net)$/);
      expect(customer.phone ?? '+999').toMatch(/^(\+|00)999/);
    }
  });
});

describe('the expected books', () => {
  it('balance', () => {
    const { extracted, filtered, quarantined, duplicates, staged } = expectedBooks(orders);
    expect(filtered + quarantined + duplicates + staged).toBe(extracted);
    expect(Math.min(filtered, quarantined, duplicates, staged)).toBeGreaterThan(0);
  });

  it('are what the contract and the transforms of the example come to', async () => {
    const run = await exampleRun(orders);
    expect(run.books).toEqual(expectedBooks(orders));
    expect(run.keys).toEqual(idsOf(orders));
  });
});

describe('planted values', () => {
  it('are a thousand at least, found in the records and in nothing that leaves the transforms', async () => {
    const planted = plantedValues(orders);
    expect(planted.length).toBeGreaterThan(1000);
    expect(Math.min(...planted.map(({ length }) => length))).toBeGreaterThanOrEqual(8);
    const source = JSON.stringify(orders.map(({ record }) => record));
    const found = (text: string) => planted.filter((value) => text.includes(value));
    expect(found(source).length).toBeGreaterThanOrEqual(1000);
    expect(found((await exampleRun(orders)).leaving)).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { type ExampleOrder, exampleOrders } from '../../../local/etl/example-orders.ts';
import { type OrderBook, openOrderBook } from '../../../local/etl/order-book.ts';

const at = (text: string) => new Date(`2026-11-22T${text}:00Z`);
const hourly = { everySeconds: 3600, count: 120 };
const ordersOf = (hour: string, nextHour: string) =>
  exampleOrders({ from: at(`${hour}:00`), to: at(`${nextHour}:00`) }, 120);

function readAll(book: OrderBook, period: { from: Date; to: Date }, limit: number): readonly ExampleOrder[] {
  const all: ExampleOrder[] = [];
  let cursor: string | undefined;
  do {
    const page = book.page(period, { limit, cursor });
    if (!page) throw new Error(`no page at ${cursor}`);
    expect(page.orders.length).toBeLessThanOrEqual(limit);
    all.push(...page.orders);
    cursor = page.next;
  } while (cursor !== undefined);
  return all;
}

describe('the order book', () => {
  it.each([1, 7, 60, 120, 500])('gives each order of a window once in pages of %d', (limit) => {
    const window = { from: at('06:00'), to: at('07:00') };
    expect(readAll(openOrderBook(hourly), window, limit)).toEqual(ordersOf('06', '07'));
  });

  it('gives the orders of any period, whole windows or not, from its start to before its end', () => {
    const period = { from: at('05:50'), to: at('08:10') };
    const all = [
      ...ordersOf('05', '06'),
      ...ordersOf('06', '07'),
      ...ordersOf('07', '08'),
      ...ordersOf('08', '09'),
    ];
    const wanted = all.filter(({ orderedAt }) => orderedAt >= period.from && orderedAt < period.to);
    expect(readAll(openOrderBook(hourly), period, 33)).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(240);
  });

  it('cuts time on the grid it is given', () => {
    const book = openOrderBook({ ...hourly, offsetSeconds: 1800 });
    const window = { from: at('06:30'), to: at('07:30') };
    expect(readAll(book, window, 500)).toEqual(exampleOrders(window, 120));
  });

  it('has nothing in an empty period', () => {
    expect(openOrderBook(hourly).page({ from: at('06:00'), to: at('06:00') }, { limit: 5 })).toEqual({
      orders: [],
    });
  });

  it('goes on at the same order when the period has moved meanwhile', () => {
    const book = openOrderBook(hourly);
    const first = book.page({ from: at('06:00'), to: at('07:00') }, { limit: 50 });
    const rest = book.page({ from: at('06:01'), to: at('07:01') }, { limit: 500, cursor: first?.next });
    expect([...(first?.orders ?? []), ...(rest?.orders ?? [])]).toEqual(ordersOf('06', '07'));
  });

  it('knows no cursor that is garbled or behind the period', () => {
    const book = openOrderBook(hourly);
    const window = { from: at('06:00'), to: at('07:00') };
    const elsewhere = book.page({ from: at('09:00'), to: at('10:00') }, { limit: 5 })?.next;
    expect(elsewhere).toBeDefined();
    for (const cursor of [elsewhere, '', 'x', '!!', Buffer.from('1e9.0').toString('base64url')])
      expect(book.page(window, { limit: 5, cursor: cursor ?? 'x' })).toBeUndefined();
  });
});

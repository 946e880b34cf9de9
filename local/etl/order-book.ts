import type { Window } from '../../shared/etl/run/window.ts';
import { type ExampleOrder, exampleOrders } from './example-orders.ts';

export interface OrderPage {
  readonly orders: readonly ExampleOrder[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string | undefined;
}

/** The shop's orders of all times, made when they are asked for. */
export interface OrderBook {
  /**
   * At most `limit` orders of the period in the order of time, from `cursor` on. Undefined: no such cursor, or one
   * behind the period.
   * A page may hold fewer, even none, and still have a next one.
   */
  page(period: Window, request: { limit: number; cursor?: string | undefined }): OrderPage | undefined;
}

/** How the book is cut: each grid window has orders of its own. */
export interface OrderBookOptions {
  readonly everySeconds: number;
  readonly offsetSeconds?: number | undefined;
  /** In each window; 5,000 when absent. */
  readonly count?: number | undefined;
}

/** Windows kept ready; a run reads one after the other. */
const keptWindows = 4;

/** The same options give the same book in every process. */
export function openOrderBook({ everySeconds, offsetSeconds = 0, count }: OrderBookOptions): OrderBook {
  const ready = new Map<number, readonly ExampleOrder[]>();
  const lengthMillis = everySeconds * 1000;
  const startMillis = (index: number) => offsetSeconds * 1000 + index * lengthMillis;
  const indexOf = (millis: number) => Math.floor((millis - offsetSeconds * 1000) / lengthMillis);
  const ordersOf = (index: number): readonly ExampleOrder[] => {
    const window = { from: new Date(startMillis(index)), to: new Date(startMillis(index + 1)) };
    const orders = ready.get(index) ?? exampleOrders(window, count);
    ready.delete(index);
    ready.set(index, orders);
    for (const oldest of [...ready.keys()].slice(0, -keptWindows)) ready.delete(oldest);
    return orders;
  };
  return {
    page({ from, to }, { limit, cursor }) {
      const first = { index: indexOf(from.getTime()), skip: 0 };
      const last = indexOf(to.getTime() - 1);
      const asked = cursor === undefined ? first : readCursor(cursor);
      if (!asked || (cursor !== undefined && asked.index > last)) return undefined;
      const place = asked.index < first.index ? first : asked;
      if (place.index > last) return { orders: [] };
      const orders: ExampleOrder[] = [];
      const all = ordersOf(place.index);
      let at = place.skip;
      for (; at < all.length && orders.length < limit; at += 1) {
        const order = all[at];
        if (order && order.orderedAt >= from && order.orderedAt < to) orders.push(order);
      }
      const isThrough = !all.slice(at).some(({ orderedAt }) => orderedAt < to);
      if (!isThrough) return { orders, next: writeCursor({ index: place.index, skip: at }) };
      return {
        orders,
        ...(place.index < last && { next: writeCursor({ index: place.index + 1, skip: 0 }) }),
      };
    },
  };
}

/** A place among all the orders of a window, so that it means the same whatever the period is. */
interface Place {
  readonly index: number;
  readonly skip: number;
}

const writeCursor = ({ index, skip }: Place): string => Buffer.from(`${index}.${skip}`).toString('base64url');

function readCursor(cursor: string): Place | undefined {
  const [, index, skip] = /^(-?\d{1,15})\.(\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  return index && skip ? { index: Number(index), skip: Number(skip) } : undefined;
}

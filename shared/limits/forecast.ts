import type { Bucket } from './bucket.ts';
import type { Demand } from './demand.ts';
import { createPriorityQueue } from './priority-queue.ts';
import type { CaLimits } from './published-limits.ts';
import {
  createLanes,
  findLongestWait,
  isFree,
  type Lane,
  noteWait,
  openTicket,
  type Ticket,
} from './waiting-lanes.ts';

export interface PlannedDemand extends Demand {
  /** Not to be admitted before this instant, such as the one chosen inside its renewal window. */
  readonly notBefore?: Date | undefined;
}

export interface Admission<Planned extends PlannedDemand = PlannedDemand> {
  readonly demand: Planned;
  readonly at: Date;
  /** The bucket for which it waits longest; absent when it waits for none. */
  readonly bucket?: string | undefined;
}

export interface Forecast<Planned extends PlannedDemand = PlannedDemand> {
  /** In the order of their instants. */
  readonly admitted: readonly Admission<Planned>[];
  /** The last admission; `now` when there is none. */
  readonly finishedAt: Date;
}

export interface ForecastOptions {
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly limitsFor: (ca: string) => CaLimits;
  readonly now: Date;
}

interface Event<Planned extends PlannedDemand> {
  readonly atMillis: number;
  /** Tickets arrive before buckets free, and names before orders. */
  readonly turn: 0 | 1 | 2;
  readonly rank: number;
  readonly ticket?: Ticket<Planned>;
  readonly lane?: Lane<Planned>;
}

/**
 * When each demand can be admitted, served in the given order: the earliest instant at which all its buckets take
 * it, after everything before it. Whoever waits for a domain leaves the orders to others until then. A ticket
 * first claims a token in each bucket of its names, in whose queues it waits, and only then queues for the orders
 * of its account, so that no slot of the busiest bucket is booked by somebody who cannot use it. With one account
 * a CA nobody could come earlier; a domain shared by several may stand idle while its next in line waits for an
 * order. Held tokens count as spent now; failed authorizations are not foreseen. Takes n log n steps, however many
 * demands share a bucket.
 */
export function forecast<Planned extends PlannedDemand>(
  demands: readonly Planned[],
  options: ForecastOptions,
): Forecast<Planned> {
  const events = createPriorityQueue<Event<Planned>>(
    (a, b) => a.atMillis - b.atMillis < 0 || (a.atMillis === b.atMillis && isEarlierTurn(a, b)),
  );
  const admitted: Admission<Planned>[] = [];
  const openLane = createLanes<Planned>(options);

  const wake = (lane: Lane<Planned>, nowMillis: number) => {
    const freeAtMillis = lane.bucket.freeAt(nowMillis);
    if (!lane.queue.peek() || freeAtMillis === undefined || lane.wakesAtMillis <= freeAtMillis) return;
    lane.wakesAtMillis = freeAtMillis;
    events.add({ atMillis: freeAtMillis, turn: lane.kind === 'orders' ? 2 : 1, rank: 0, lane });
  };

  const queue = (ticket: Ticket<Planned>, lane: Lane<Planned>, nowMillis: number) => {
    ticket.queuedAtMillis = nowMillis;
    lane.queue.add(ticket);
    wake(lane, nowMillis);
  };

  const admit = (ticket: Ticket<Planned>, nowMillis: number) => {
    ticket.orders?.bucket.spend(nowMillis);
    for (const lane of ticket.named) {
      lane.bucket.unclaim();
      // A failed authorization is counted when it fails; nobody plans that.
      if (lane.kind !== 'failures') lane.bucket.spend(nowMillis);
      wake(lane, nowMillis);
    }
    admitted.push({ demand: ticket.demand, at: new Date(nowMillis), bucket: ticket.waitedFor });
  };

  /** Claims all names at once, or queues where the wait is longest. */
  const claimNames = (ticket: Ticket<Planned>, nowMillis: number) => {
    const blocking = findLongestWait(ticket.named, nowMillis);
    if (blocking) return queue(ticket, blocking, nowMillis);
    for (const { bucket } of ticket.named) bucket.claim();
    if (ticket.orders) queue(ticket, ticket.orders, nowMillis);
    else admit(ticket, nowMillis);
  };

  const serve = (lane: Lane<Planned>, nowMillis: number) => {
    while (isFree(lane, nowMillis)) {
      const ticket = lane.queue.take();
      if (!ticket) return;
      noteWait(ticket, lane.bucket.key, nowMillis);
      if (lane.kind === 'orders') admit(ticket, nowMillis);
      else claimNames(ticket, nowMillis);
    }
    wake(lane, nowMillis);
  };

  for (const [rank, demand] of demands.entries()) {
    const ticket = openTicket(demand, rank, { limits: options.limitsFor(demand.ca), openLane });
    const atMillis = Math.max(options.now.getTime(), demand.notBefore?.getTime() ?? 0);
    events.add({ atMillis, turn: 0, rank, ticket });
  }
  for (let event = events.take(); event; event = events.take()) {
    const { ticket, lane, atMillis } = event;
    if (ticket) claimNames(ticket, atMillis);
    if (!lane || lane.wakesAtMillis !== atMillis) continue;
    lane.wakesAtMillis = Number.POSITIVE_INFINITY;
    serve(lane, atMillis);
  }
  return { admitted, finishedAt: admitted.at(-1)?.at ?? options.now };
}

const isEarlierTurn = (a: { turn: number; rank: number }, b: { turn: number; rank: number }): boolean =>
  a.turn < b.turn || (a.turn === b.turn && a.rank < b.rank);

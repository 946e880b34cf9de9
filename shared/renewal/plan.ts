import { forecast } from '../limits/forecast.ts';
import type { Candidate } from './candidates.ts';
import { decidePatience } from './decide-ca.ts';
import { orderFairly } from './fair-order.ts';
import type { Booking, WaitingQueue } from './plan-bookings.ts';
import { openBooks } from './plan-books.ts';
import { findAlternative } from './plan-failover.ts';
import type { Place, PlanGround } from './plan-ground.ts';
import { spreadHerds } from './plan-spread.ts';

export interface Plan<Item> {
  readonly places: readonly Place<Item>[];
  /** To be kept once those that wait have been told so. */
  readonly bookings: readonly Booking[];
}

/**
 * Gives every candidate the earliest instant at which the CA's limits let it go, in four rounds: those that have
 * waited beyond their place already, and open renewals, by what the buckets hold; those whose place has come,
 * behind the ones before, and new ones whose certificate would expire in service if they waited for all that is
 * booked; other new ones, behind that; those that keep failing, by what all these leave over. Within a round the order is fair (see orderFairly), and whoever waits for one bucket holds up nobody
 * who does not need it. Failing ones book nothing: they never stand before one that may succeed, whenever that
 * one comes.
 */
export function planAdmissions<Item extends Candidate>(
  candidates: readonly Item[],
  ground: PlanGround,
): Plan<Item> {
  const ordered = orderFairly(candidates);
  const inState = (state: Candidate['standing']) =>
    ordered.filter(({ failing, standing }) => !failing && standing === state);
  const books = openBooks(candidates, ground);
  const behind = (queue: WaitingQueue): PlanGround => ({ ...ground, buckets: books.behind(queue) });

  const first = place(inState('displaced'), ground).filter(({ at }) => at <= ground.now);
  books.sendOff(first);
  const gone = new Set(first.map(({ item }) => item.name));
  const stillWaiting = inState('displaced').filter(({ name }) => !gone.has(name));
  const called = place([...stillWaiting, ...inState('called')], behind('displaced'));
  books.enter(called, 'displaced');
  const found = placeNew(inState('new'), behind('planned'));
  const late = found.filter((each) => isTooLate(each, ground)).map(({ item }) => item);
  const hurried = place(late, behind('displaced'));
  books.enter(hurried, 'displaced');
  const added = late.length === 0 ? found : placeNew(without(inState('new'), late), behind('planned'));
  books.enter(added, 'planned');
  const bookings = books.bookings();
  const failing = place(
    ordered.filter((item) => item.failing),
    behind('planned'),
  );
  return {
    places: spreadHerds([...first, ...called, ...hurried, ...added, ...failing], ground.now),
    bookings,
  };
}

/** What is being served goes before names that never were, however long those have been booked. */
const isTooLate = ({ item, at }: Place<Candidate>, { now }: PlanGround): boolean =>
  at > now && item.certificate.current !== undefined && at > decidePatience(item.certificate, now);

const without = <Item>(items: readonly Item[], left: readonly Item[]): Item[] => {
  const out = new Set(left);
  return items.filter((item) => !out.has(item));
};

function place<Item extends Candidate>(items: readonly Item[], ground: PlanGround): Place<Item>[] {
  const itemOf = new Map(items.map((item) => [item.demand, item]));
  const { admitted } = forecast([...itemOf.keys()], ground);
  return admitted.flatMap(({ demand, at, bucket }) => {
    const item = itemOf.get(demand);
    return item ? [{ item, at, bucket }] : [];
  });
}

/** New ones, of which those that cannot wait so long go to another CA that takes them at once. */
function placeNew<Item extends Candidate>(items: readonly Item[], ground: PlanGround): Place<Item>[] {
  const places = place(items, ground);
  const alternatives = places.flatMap((each) => findAlternative(each, ground) ?? []);
  if (alternatives.length === 0) return places;
  const moved = place(alternatives, ground).filter(({ at }) => at <= ground.now);
  const movedNames = new Set(moved.map(({ item }) => item.name));
  const staying = items.filter(({ name }) => !movedNames.has(name));
  return [...moved, ...place(staying, ground)];
}

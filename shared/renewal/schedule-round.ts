import { fulfilled, settleBounded, throwFirstFailure } from '../runtime/concurrency.ts';
import { planAdmissions } from './plan.ts';
import { keepBookings, keepLastPlaces } from './plan-bookings.ts';
import { readGround } from './plan-ground.ts';
import { type Backlog, candidatesOf } from './schedule-backlog.ts';
import { type Carried, carryOn, carryOut } from './schedule-carry-out.ts';
import type { SchedulePorts } from './schedule-ports.ts';

export interface ScheduleResult {
  /** Names whose renewal was opened and sent in this tick. */
  readonly opened: readonly string[];
  /** Names whose open renewal was sent again. */
  readonly resumed: readonly string[];
  /** How many wait for a rate limit, each with a place in the plan. */
  readonly planned: number;
  /** How many CAs' renewal information is to be asked for. */
  readonly polls: number;
  /** True when a shard held more than its limit: the next tick goes on; of a whole fleet, with `after`. */
  readonly more: boolean;
  /** Set where time ran out for a whole fleet: the last certificate it came to, for the call that goes on. */
  readonly after?: string | undefined;
}

const itemsAtOnce = 32;

/**
 * Carries out what can be of a backlog, keeps the places of the rest, and sends what was opened or taken up.
 * @throws Failure the first of any, after everything else was done and sent
 */
export async function workOff(
  backlog: Backlog,
  { now, runId }: { readonly now: Date; readonly runId: string },
  ports: SchedulePorts,
): Promise<ScheduleResult> {
  const candidates = candidatesOf(backlog);
  const [planned] = await Promise.allSettled([
    readGround(candidates, now, ports).then((ground) => planAdmissions(candidates, ground)),
  ]);
  const plan = planned.status === 'fulfilled' ? planned.value : { places: [], bookings: [] };
  const work = [
    ...backlog.found.flatMap((found) =>
      found.kind === 'candidate' || found.kind === 'placed' ? [] : [() => carryOn(found, now, ports)],
    ),
    ...plan.places.map((place) => () => carryOut(place, now, ports)),
  ];
  const settled = await settleBounded(work, itemsAtOnce, (carry) => carry());
  const carried = fulfilled(settled).filter((item) => item !== undefined);
  const sent = await Promise.allSettled([
    ...send(carried, runId, ports),
    // After the places themselves: bookings for nobody would keep their slots empty.
    keepBookings(ports.buckets, plan.bookings),
    keepLastPlaces(
      ports.buckets,
      plan.places.filter(({ at }) => at > now).map(({ item, at }) => ({ demand: item.demand, at })),
    ),
  ]);
  throwFirstFailure([...backlog.failures, planned, ...settled, ...sent]);
  return { ...summarize(carried), more: backlog.more };
}

type Posted = Extract<Carried, { kind: 'opened' | 'resumed' }>;

const isPosted = (carried: Carried): carried is Posted =>
  carried.kind === 'opened' || carried.kind === 'resumed';

function send(carried: readonly Carried[], runId: string, { queue, refreshQueue }: SchedulePorts) {
  const posted = carried.filter(isPosted);
  const workers = [...new Set(posted.map(({ worker }) => worker))];
  const polled = carried.flatMap((item) => (item.kind === 'poll' ? [item.name] : []));
  return [
    ...workers.map((worker) =>
      queue.send(
        worker,
        posted.filter((item) => item.worker === worker).map(({ id }) => ({ ...id, runId })),
      ),
    ),
    ...(polled.length > 0 ? [refreshQueue.send(polled)] : []),
  ];
}

function summarize(carried: readonly Carried[]): Omit<ScheduleResult, 'more' | 'after'> {
  const named = (kind: Posted['kind']) =>
    carried.filter(isPosted).flatMap((item) => (item.kind === kind ? [item.id.certificateName] : []));
  return {
    opened: named('opened'),
    resumed: named('resumed'),
    planned: carried.filter(({ kind }) => kind === 'planned').length,
    polls: carried.filter(({ kind }) => kind === 'poll').length,
  };
}

import { secondsAfter } from '../runtime/clock.ts';
import { fulfilled, settleBounded, throwFirstFailure } from '../runtime/concurrency.ts';
import { planAdmissions } from './plan.ts';
import { keepBookings } from './plan-bookings.ts';
import { readGround } from './plan-ground.ts';
import { candidatesOf } from './schedule-backlog.ts';
import { type Carried, carryOn, carryOut } from './schedule-carry-out.ts';
import type { SchedulePorts, Selection } from './schedule-ports.ts';
import { gather } from './schedule-selection.ts';

export interface ScheduleOptions {
  readonly runId: string;
  /** Seconds until the next tick; what falls due before it is due now. */
  readonly tickSeconds: number;
  /** Most items taken from each shard of the due index in one tick. */
  readonly limitPerShard: number;
  readonly selection?: Selection | undefined;
}

export interface ScheduleResult {
  /** Names whose renewal was opened and sent in this tick. */
  readonly opened: readonly string[];
  /** Names whose open renewal was sent again. */
  readonly resumed: readonly string[];
  /** How many wait for a rate limit, each with a place in the plan. */
  readonly planned: number;
  /** How many CAs' renewal information is to be asked for. */
  readonly polls: number;
  /** True when a shard held more than its limit: the next tick goes on. */
  readonly more: boolean;
}

const itemsAtOnce = 32;

/**
 * One tick: sends to their workers as many of the due renewals as the CAs' limits can take, gives every other its
 * place in the plan, takes up each renewal whose time has come, and has the CAs asked when to renew the rest.
 * Cost follows what is due, not the fleet. Two ticks at once, or one repeated, send nothing twice: each change is
 * conditional on the nextActionAt that was read. One item that fails holds up no other.
 * @throws Failure `unknown-certificate` (a selection names one that is not tracked); the first other failure,
 * after everything else was done and sent
 */
export async function scheduleRenewals(
  options: ScheduleOptions,
  ports: SchedulePorts,
): Promise<ScheduleResult> {
  const now = ports.clock.now();
  const tick = { now, nextTickAt: secondsAfter(now, options.tickSeconds) };
  const backlog = await gather(tick, options, ports);
  const candidates = candidatesOf(backlog);
  const [planned] = await Promise.allSettled([
    readGround(candidates, now, ports).then((ground) => planAdmissions(candidates, ground)),
  ]);
  const plan = planned.status === 'fulfilled' ? planned.value : { places: [], bookings: [] };
  const work = [
    ...backlog.found.flatMap((found) =>
      found.kind === 'candidate' ? [] : [() => carryOn(found, now, ports)],
    ),
    ...plan.places.map((place) => () => carryOut(place, now, ports)),
  ];
  const settled = await settleBounded(work, itemsAtOnce, (carry) => carry());
  const carried = fulfilled(settled).filter((item) => item !== undefined);
  const sent = await Promise.allSettled([
    ...send(carried, options.runId, ports),
    // After the places themselves: bookings for nobody would keep their slots empty.
    keepBookings(ports.buckets, plan.bookings),
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

function summarize(carried: readonly Carried[]): Omit<ScheduleResult, 'more'> {
  const named = (kind: Posted['kind']) =>
    carried.filter(isPosted).flatMap((item) => (item.kind === kind ? [item.id.certificateName] : []));
  return {
    opened: named('opened'),
    resumed: named('resumed'),
    planned: carried.filter(({ kind }) => kind === 'planned').length,
    polls: carried.filter(({ kind }) => kind === 'poll').length,
  };
}

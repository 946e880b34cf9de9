import { secondsAfter } from '../runtime/clock.ts';
import { asFailure, Failure } from '../runtime/errors.ts';
import type { Tick } from './candidates.ts';
import type { SchedulePorts, Selection } from './schedule-ports.ts';
import { type ScheduleResult, workOff } from './schedule-round.ts';
import { gather, gatherFleet } from './schedule-selection.ts';

export interface ScheduleOptions {
  readonly runId: string;
  /** Seconds until the next tick; what falls due before it is due now. */
  readonly tickSeconds: number;
  /** Most items taken from each shard of the due index in one tick. */
  readonly limitPerShard: number;
  readonly selection?: Selection | undefined;
  /** What is left of the invocation; asked between the rounds of a whole fleet. */
  readonly remainingMillis?: (() => number) | undefined;
}

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
  const lookAtClock = (): Tick => {
    const now = ports.clock.now();
    return { now, nextTickAt: secondsAfter(now, options.tickSeconds) };
  };
  if (options.selection?.all) return scheduleFleet(lookAtClock, options, ports);
  const tick = lookAtClock();
  return workOff(await gather(tick, options, ports), { ...options, now: tick.now }, ports);
}

/** A round takes some seconds; what remains is for its calls that are slow. */
const leastRoundMillis = 20_000;

/** The whole fleet by force, as far as the time allows. */
async function scheduleFleet(
  lookAtClock: () => Tick,
  options: ScheduleOptions,
  ports: SchedulePorts,
): Promise<ScheduleResult> {
  const { selection = {}, remainingMillis = () => Number.POSITIVE_INFINITY } = options;
  let total: ScheduleResult = { opened: [], resumed: [], planned: 0, polls: 0, more: false };
  let { after } = selection;
  for await (const { backlog, last } of gatherFleet(lookAtClock, selection, ports)) {
    try {
      total = addUp(total, await workOff(backlog, { ...options, now: lookAtClock().now }, ports));
    } catch (error) {
      throw cutShort(asFailure(error), after);
    }
    after = last;
    if (remainingMillis() < leastRoundMillis) return { ...total, more: true, after };
  }
  return total;
}

const addUp = (one: ScheduleResult, other: ScheduleResult): ScheduleResult => ({
  opened: [...one.opened, ...other.opened],
  resumed: [...one.resumed, ...other.resumed],
  planned: one.planned + other.planned,
  polls: one.polls + other.polls,
  more: false,
});

const cutShort = (cause: Failure, after: string | undefined): Failure =>
  after === undefined
    ? cause
    : new Failure({
        code: cause.code,
        disposition: cause.disposition,
        message: `${cause.message}; to go on, say "after": "${after}"`,
        cause,
      });

import { randomUUID } from 'node:crypto';
import { type Clock, millisBetween, systemClock } from '../../shared/runtime/clock.ts';
import { ACCOUNT_ID } from './intrinsics.ts';
import type { Lambda } from './lambda/service.ts';
import { nextFiring, parseSchedule } from './schedule-expression.ts';
import type { SchedulePlan } from './stack-plan.ts';

/** Node's timers hold 2^31 milliseconds at most; a longer wait is made of several. */
const longestTimerMillis = 86_400_000;

export interface Schedules {
  stop(): void;
}

/**
 * Invokes scheduled functions asynchronously, a rate for the first time after one period. The timers keep no
 * process alive.
 * @throws Failure `invalid-schedule`
 */
export function startSchedules(options: {
  plans: readonly SchedulePlan[];
  region: string;
  lambda: Pick<Lambda, 'invokeAsync'>;
  clock?: Clock | undefined;
}): Schedules {
  const { clock = systemClock } = options;
  const timers = new Map<SchedulePlan, NodeJS.Timeout>();

  function wait(plan: SchedulePlan, firing: Date): void {
    const leftMillis = millisBetween(clock.now(), firing);
    const timer = setTimeout(
      () => (leftMillis > longestTimerMillis ? wait(plan, firing) : fire(plan, firing)),
      Math.min(Math.max(leftMillis, 0), longestTimerMillis),
    );
    timers.set(plan, timer.unref());
  }

  function fire(plan: SchedulePlan, firing: Date): void {
    options.lambda.invokeAsync(plan.functionName, { payload: eventOf(plan, firing, options.region) });
    arm(plan, firing);
  }

  function arm(plan: SchedulePlan, after: Date): void {
    const next = nextFiring(parseSchedule(plan.expression), after);
    if (next) wait(plan, next);
  }

  for (const plan of options.plans) arm(plan, clock.now());
  return {
    stop() {
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

/** The event a firing sends: the schedule's own input, or what the service sends without one. */
function eventOf(plan: SchedulePlan, firing: Date, region: string): string {
  const time = firing.toISOString().replace('.000Z', 'Z');
  if (plan.input !== undefined) {
    return plan.source === 'aws.scheduler'
      ? plan.input
          .replaceAll('<aws.scheduler.scheduled-time>', time)
          .replaceAll('<aws.scheduler.schedule-arn>', plan.arn)
          .replaceAll('<aws.scheduler.execution-id>', randomUUID())
          .replaceAll('<aws.scheduler.attempt-number>', '1')
      : plan.input;
  }
  return JSON.stringify({
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: plan.source,
    account: ACCOUNT_ID,
    time,
    region,
    resources: [plan.arn],
    detail: {},
  });
}

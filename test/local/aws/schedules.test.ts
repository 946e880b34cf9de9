import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Schedules, startSchedules } from '../../../local/aws/schedules.ts';
import type { SchedulePlan } from '../../../local/aws/stack-plan.ts';

const aSchedule = (changes: Partial<SchedulePlan> = {}): SchedulePlan => ({
  arn: 'arn:aws:events:eu-west-1:000000000000:rule/tick',
  source: 'aws.events',
  expression: 'rate(1 minute)',
  functionName: 'tick',
  input: '{"trigger":"schedule"}',
  ...changes,
});

let running: Schedules | undefined;

function run(plan: SchedulePlan) {
  const sent: [string, string][] = [];
  const lambda = {
    invokeAsync(name: string, { payload }: { payload: string }) {
      sent.push([name, payload]);
      return 'id';
    },
  };
  running = startSchedules({ plans: [plan], region: 'eu-west-1', lambda });
  return sent;
}

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-11-21T02:58:00Z') });
});
afterEach(() => {
  running?.stop();
  vi.useRealTimers();
});

test('a rate fires first after one period, then every period, until it is stopped', () => {
  const sent = run(aSchedule());
  vi.advanceTimersByTime(59_999);
  expect(sent).toEqual([]);
  vi.advanceTimersByTime(120_001);
  expect(sent).toEqual(Array(3).fill(['tick', '{"trigger":"schedule"}']));
  running?.stop();
  vi.advanceTimersByTime(600_000);
  expect(sent).toHaveLength(3);
});

test('a firing further away than one timer can wait still comes at its minute', () => {
  const sent = run(aSchedule({ expression: 'cron(0 3 1 JAN ? *)' }));
  vi.setSystemTime(new Date('2026-11-21T02:58:00Z'));
  vi.advanceTimersByTime(new Date('2027-01-01T02:59:59Z').getTime() - Date.now());
  expect(sent).toHaveLength(0);
  vi.advanceTimersByTime(1000);
  expect(sent).toHaveLength(1);
});

test('without an input the service sends its own event', () => {
  const sent = run(aSchedule({ input: undefined }));
  vi.advanceTimersByTime(60_000);
  expect(JSON.parse(sent[0]?.[1] ?? '')).toMatchObject({
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    time: '2026-11-21T02:59:00Z',
    resources: ['arn:aws:events:eu-west-1:000000000000:rule/tick'],
  });
});

test('a Scheduler input may name the time it was scheduled for', () => {
  const sent = run(aSchedule({ source: 'aws.scheduler', input: '{"at":"<aws.scheduler.scheduled-time>"}' }));
  vi.advanceTimersByTime(60_000);
  expect(sent[0]?.[1]).toBe('{"at":"2026-11-21T02:59:00Z"}');
});

import { Failure } from '../../shared/runtime/errors.ts';

/** When a schedule fires next. */
export type Schedule =
  | { readonly kind: 'rate'; readonly periodMillis: number }
  | { readonly kind: 'cron'; readonly fields: CronFields };

interface CronFields {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** 1 is Sunday. */
  readonly daysOfWeek: ReadonlySet<number>;
  readonly years: ReadonlySet<number>;
}

const unitMillis = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const dayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/**
 * Reads EventBridge's `rate(…)` and `cron(…)`. L, W and # are not supported.
 * @throws Failure `invalid-schedule`
 */
export function parseSchedule(expression: string): Schedule {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  const count = Number(rate?.[1]);
  if (rate && count > 0) {
    const unit = rate[2] as keyof typeof unitMillis;
    return { kind: 'rate', periodMillis: count * unitMillis[unit] };
  }
  const cron = /^cron\((.*)\)$/.exec(expression)?.[1]?.trim().split(/\s+/);
  if (!cron) throw invalidSchedule(expression, 'neither rate(N minutes|hours|days) nor cron(…)');
  const [minute, hour, dayOfMonth, month, dayOfWeek, year] = cron;
  if (cron.length !== 6 || !minute || !hour || !dayOfMonth || !month || !dayOfWeek || !year) {
    throw invalidSchedule(expression, 'cron has six fields: minute, hour, day, month, weekday, year');
  }
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) {
    throw invalidSchedule(expression, 'exactly one of day of month and day of week is ?');
  }
  const read = (text: string, range: FieldRange) => readField(text, range, expression);
  return {
    kind: 'cron',
    fields: {
      minutes: read(minute, { from: 0, to: 59 }),
      hours: read(hour, { from: 0, to: 23 }),
      daysOfMonth: read(dayOfMonth, { from: 1, to: 31 }),
      months: read(month, { from: 1, to: 12, names: monthNames }),
      daysOfWeek: read(dayOfWeek, { from: 1, to: 7, names: dayNames }),
      years: read(year, { from: 1970, to: 2199 }),
    },
  };
}

interface FieldRange {
  readonly from: number;
  readonly to: number;
  readonly names?: readonly string[];
}

function readField(text: string, range: FieldRange, expression: string): ReadonlySet<number> {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [span = '', step = '1', ...rest] = part.split('/');
    const [first = '', last, ...others] = span.split('-');
    const wild = first === '*' || first === '?';
    const start = wild ? range.from : boundOf(first, range);
    const end = wild || (last === undefined && part.includes('/')) ? range.to : boundOf(last ?? first, range);
    const stride = /^\d+$/.test(step) ? Number(step) : 0;
    const inRange = start >= range.from && end <= range.to && start <= end;
    if (rest.length > 0 || others.length > 0 || (wild && last !== undefined) || stride < 1 || !inRange) {
      throw invalidSchedule(expression, `"${part}" is not supported; ${range.from} to ${range.to} is`);
    }
    for (let value = start; value <= end; value += stride) values.add(value);
  }
  return values;
}

function boundOf(text: string, { names = [], from }: FieldRange): number {
  const named = names.indexOf(text.toUpperCase());
  if (named >= 0) return named + from;
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

const invalidSchedule = (expression: string, why: string) =>
  new Failure({
    code: 'invalid-schedule',
    disposition: 'give-up',
    message: `schedule ${expression}: ${why}`,
  });

/**
 * The first firing after `after`, UTC; undefined when there is none. A rate counts from `after`, so that a
 * new schedule fires first when one period has passed.
 */
export function nextFiring(schedule: Schedule, after: Date): Date | undefined {
  if (schedule.kind === 'rate') return new Date(after.getTime() + schedule.periodMillis);
  const { fields } = schedule;
  const at = new Date(Math.floor(after.getTime() / unitMillis.minute + 1) * unitMillis.minute);
  const lastYear = Math.max(...fields.years);
  while (at.getUTCFullYear() <= lastYear) {
    if (!fields.years.has(at.getUTCFullYear())) at.setTime(Date.UTC(at.getUTCFullYear() + 1, 0));
    else if (!fields.months.has(at.getUTCMonth() + 1)) {
      at.setTime(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1));
    } else if (!isDay(fields, at)) {
      at.setTime(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + 1));
    } else if (!fields.hours.has(at.getUTCHours())) {
      at.setTime((Math.floor(at.getTime() / unitMillis.hour) + 1) * unitMillis.hour);
    } else if (!fields.minutes.has(at.getUTCMinutes())) at.setTime(at.getTime() + unitMillis.minute);
    else return at;
  }
  return undefined;
}

const isDay = (fields: CronFields, at: Date): boolean =>
  fields.daysOfMonth.has(at.getUTCDate()) && fields.daysOfWeek.has(at.getUTCDay() + 1);

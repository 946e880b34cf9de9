import { secondsAfter } from '../../runtime/clock.ts';
import { Failure } from '../../runtime/errors.ts';

/** Instants t with from <= t < to; fixed when a run is opened, whatever the time when it is carried out. */
export interface Window {
  readonly from: Date;
  readonly to: Date;
}

/** How time is cut: windows of one length on one grid, so that the same window always has the same ends. */
export interface Cadence {
  readonly lengthSeconds: number;
  /** Where the grid begins, after 1970-01-01T00:00:00Z: 345,600 lets weeks begin on Monday. */
  readonly offsetSeconds?: number | undefined;
  /** How long after a window's end its records may still arrive at the source. */
  readonly lagSeconds?: number | undefined;
}

/** As many windows as one request may open. */
const longestBackfill = 10_000;

/** The last window that is over and whose records have arrived: the same for every start until the next ends. */
export function scheduledWindow(cadence: Cadence, now: Date): Window {
  const to = gridBefore(cadence, secondsAfter(now, -(cadence.lagSeconds ?? 0)));
  return { from: secondsAfter(to, -cadence.lengthSeconds), to };
}

/**
 * The windows of the grid that `period` touches, oldest first: those a schedule would have had, so that filling
 * back replaces them instead of laying others beside them. Windows that are not over are left to the schedule.
 * @throws Failure `backfill-empty`, `backfill-too-long`
 */
export function backfillWindows(cadence: Cadence, period: Window, now: Date): readonly Window[] {
  const end = Math.min(period.to.getTime(), scheduledWindow(cadence, now).to.getTime());
  const lengthMillis = cadence.lengthSeconds * 1000;
  const first = gridBefore(cadence, period.from).getTime();
  const count = Math.max(0, Math.ceil((end - first) / lengthMillis));
  if (period.from >= period.to || count === 0)
    throw refused(
      'backfill-empty',
      'holds no window that is over; give a period that ends later than it begins',
    );
  if (count > longestBackfill)
    throw refused('backfill-too-long', `holds ${count} windows, and ${longestBackfill} is the most; cut it`);
  return Array.from({ length: count }, (_, index) => ({
    from: new Date(first + index * lengthMillis),
    to: new Date(first + (index + 1) * lengthMillis),
  }));
}

/** A window as text that sorts as time does. */
export const windowText = ({ from, to }: Window): string => `${from.toISOString()}/${to.toISOString()}`;

/** The last instant of the grid at or before `instant`. */
function gridBefore({ lengthSeconds, offsetSeconds = 0 }: Cadence, instant: Date): Date {
  if (!Number.isSafeInteger(lengthSeconds) || lengthSeconds < 1)
    throw new RangeError(`a window of ${lengthSeconds} seconds`);
  const seconds = Math.floor(instant.getTime() / 1000) - offsetSeconds;
  return new Date((Math.floor(seconds / lengthSeconds) * lengthSeconds + offsetSeconds) * 1000);
}

const refused = (code: string, what: string) =>
  new Failure({ code, disposition: 'give-up', message: `the period to fill back ${what}` });

import type { ReportMessage } from '../message.ts';

/**
 * A way in which people hear of a run. Failures are typed `<channel>-…` and hold no address that lets
 * others post there; `report` keeps to its own timeout and to the signal.
 */
export interface ReportChannel {
  /** Stable: a report is told once under each name. */
  readonly name: string;
  report(message: ReportMessage, signal: AbortSignal): Promise<void>;
}

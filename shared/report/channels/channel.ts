import type { RunSummary } from '../summary.ts';

/**
 * A way in which people hear about a run. Failures are typed `<channel>-…` and hold no address that lets
 * others post there; `report` keeps to its own timeout and to the signal.
 */
export interface ReportChannel {
  /** Stable: a run is reported once under each name. */
  readonly name: string;
  report(summary: RunSummary, signal: AbortSignal): Promise<void>;
}

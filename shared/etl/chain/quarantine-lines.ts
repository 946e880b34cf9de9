import type { Run } from '../ledger/run.ts';
import type { QuarantinedRecord } from '../record.ts';

/** Everything that was set aside of a load lies together, whichever run or replay has set it aside. */
export const quarantineOf = ({ pipeline, loadId }: { pipeline: string; loadId: string }): string =>
  `${pipeline}/${loadId}/`;

/** The load that a run's quarantine belongs to: a replay's stays with the load it replays. */
export const quarantinedLoad = ({ scope, loadId }: Pick<Run, 'scope' | 'loadId'>): string =>
  scope.kind === 'replay' ? scope.loadId : loadId;

/** Where a run puts what it sets aside. */
export const quarantineOfRun = (run: Pick<Run, 'pipeline' | 'scope' | 'loadId' | 'runId'>): string =>
  `${quarantineOf({ pipeline: run.pipeline, loadId: quarantinedLoad(run) })}${run.runId}/`;

/** The run that has set aside what lies under a key. */
export const runOfQuarantined = (key: string): string => key.split('/')[2] ?? '';

/** A record as a line of the quarantine: its place, the reasons, and the record where it was readable. */
export const quarantineLine = ({ position, reasons, row }: QuarantinedRecord): string =>
  JSON.stringify({ o: position.ordinal, q: reasons, ...(row && { r: row }) });

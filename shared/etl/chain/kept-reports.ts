import type { ObjectStore } from '../objects/object-store.ts';
import type { EtlReport } from '../report/etl-report.ts';
import { type EtlSummary, etlSummary } from '../report/etl-summary.ts';
import { keepLocked } from './locked-records.ts';
import type { FinishPorts } from './ports.ts';
import { readJson } from './work-objects.ts';

const reportsOf = ({ pipeline, runId }: { pipeline: string; runId: string }): string =>
  `reports/${pipeline}/${runId}/`;

const keyOf = (run: { pipeline: string; runId: string }, occasion: string): string =>
  `${reportsOf(run)}${occasion}.json`;

/** Keeps the summary of a run for whoever asks later; told again, the first one stands. */
export async function keepReport(
  ports: Pick<FinishPorts, 'buckets' | 'clock' | 'lockDays'>,
  report: EtlReport,
  occasion: string,
): Promise<void> {
  await keepLocked(ports, keyOf(report, occasion), etlSummary(report));
}

/** Whether people are told of an occasion for another time. */
export const isReportKept = async (
  { buckets }: Pick<FinishPorts, 'buckets'>,
  run: { pipeline: string; runId: string },
  occasion: string,
): Promise<boolean> => (await buckets.records.head(keyOf(run, occasion))) !== undefined;

/** The newest summary of a run; undefined while there is none. */
export async function readReport(
  records: ObjectStore,
  run: { pipeline: string; runId: string },
): Promise<EtlSummary | undefined> {
  let newest: { key: string; lastModifiedAt: Date } | undefined;
  for await (const version of records.listVersions(reportsOf(run)))
    if (!version.deleted && (!newest || version.lastModifiedAt >= newest.lastModifiedAt)) newest = version;
  return newest && ((await readJson(records, newest.key)) as EtlSummary);
}

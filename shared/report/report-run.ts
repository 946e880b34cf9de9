import type { CertificateStore } from '../certificates/store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ReportChannel } from './channels/channel.ts';
import type { Run } from './outcome.ts';
import { type ChannelResult, reportToAll } from './report-to-all.ts';
import type { RunStore } from './runs.ts';
import { buildRunSummary, type RunSummary } from './summary.ts';
import { summaryMessage } from './summary-message.ts';

export interface ReportPorts {
  readonly certificates: Pick<CertificateStore, 'countTracked' | 'findNextActionAt'>;
  readonly runs: RunStore;
  readonly channels: readonly ReportChannel[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Sums up a run from its outcomes and tells every channel that has not heard of it yet. */
export async function reportRun(
  run: Run,
  { certificates, runs, channels, clock, signal }: ReportPorts,
): Promise<{ readonly summary: RunSummary; readonly results: readonly ChannelResult[] }> {
  const [outcomes, total, nextActionAt] = await Promise.all([
    runs.listOutcomes(run.runId),
    certificates.countTracked(),
    certificates.findNextActionAt(),
  ]);
  const finishedAt = clock.now();
  const summary = buildRunSummary({ ...run, finishedAt, total, outcomes, nextActionAt });
  const message = summaryMessage(summary);
  return { summary, results: await reportToAll({ message, channels, store: runs, now: finishedAt, signal }) };
}

import { type ChannelResult, type ReportRequest, reportToAll } from '../../report/report-to-all.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Failure } from '../../runtime/errors.ts';
import { etlMessage, type PipelinePeople } from './etl-message.ts';
import type { EtlReport } from './etl-report.ts';

export interface TellPorts extends Pick<ReportRequest, 'channels' | 'store' | 'signal'> {
  readonly clock: Pick<Clock, 'now'>;
}

/** Tells people of a run through every channel, once per channel; repeated, it reaches those that were missed. */
export function tellPeople(
  ports: TellPorts,
  report: EtlReport,
  people: PipelinePeople,
): Promise<readonly ChannelResult[]> {
  const { channels, store, signal, clock } = ports;
  const message = etlMessage(report, people);
  return reportToAll({ message, channels, store, now: clock.now(), signal });
}

/**
 * A channel that refuses for good, as a mail server does whose credentials are wrong, would keep a run from being
 * reported for ever; what it missed is in the log and with the other channels.
 * @throws Failure of the first channel that missed the report and may take it another time
 */
export function throwMissed(results: readonly ChannelResult[]): void {
  for (const outcome of results)
    if (outcome.result === 'failed' && isPassing(outcome.failure)) throw outcome.failure;
}

const isPassing = ({ disposition }: Failure): boolean =>
  disposition === 'retry' || disposition === 'retry-after';

import {
  type ChannelResult,
  type ReportRequest,
  reportToAll,
  throwUnreported,
} from '../../report/report-to-all.ts';
import type { Clock } from '../../runtime/clock.ts';
import { etlMessage, type PipelinePeople } from './etl-message.ts';
import type { EtlReport } from './etl-report.ts';

export interface TellPorts extends Pick<ReportRequest, 'channels' | 'store' | 'signal'> {
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Tells people of a run through every channel, once per channel; repeated, it reaches those that were missed.
 * @throws Failure of the first channel that nobody could be told by, after all have been tried
 */
export async function tellPeople(
  ports: TellPorts,
  report: EtlReport,
  people: PipelinePeople,
): Promise<readonly ChannelResult[]> {
  const { channels, store, signal, clock } = ports;
  const message = etlMessage(report, people);
  const results = await reportToAll({ message, channels, store, now: clock.now(), signal });
  throwUnreported(results);
  return results;
}

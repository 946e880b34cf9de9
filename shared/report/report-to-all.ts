import type { Failure } from '../runtime/errors.ts';
import { asFailure } from '../runtime/errors.ts';
import type { ReportChannel } from './channels/channel.ts';
import type { RunStore } from './runs.ts';
import type { RunSummary } from './summary.ts';

export type ChannelResult =
  | { readonly channel: string; readonly result: 'reported' }
  /** Another delivery of the same run got there first. */
  | { readonly channel: string; readonly result: 'already-reported' }
  | { readonly channel: string; readonly result: 'failed'; readonly failure: Failure };

export interface ReportRequest {
  readonly summary: RunSummary;
  readonly channels: readonly ReportChannel[];
  readonly store: Pick<RunStore, 'claimReport' | 'releaseReport'>;
  readonly signal: AbortSignal;
}

/**
 * Reports a run through every channel at once, once per channel; never rejects. A report that failed gives its
 * claim back, so that a repetition reaches the channels that missed it and no other: a channel that took a
 * report whose answer was lost may hear of it twice.
 */
export const reportToAll = (request: ReportRequest): Promise<readonly ChannelResult[]> =>
  Promise.all(request.channels.map((channel) => reportTo(channel, request)));

async function reportTo(channel: ReportChannel, request: ReportRequest): Promise<ChannelResult> {
  const { summary, store, signal } = request;
  try {
    if (!(await store.claimReport(summary.runId, channel.name))) {
      return { channel: channel.name, result: 'already-reported' };
    }
    try {
      await channel.report(summary, signal);
    } catch (error) {
      await store.releaseReport(summary.runId, channel.name).catch(() => undefined);
      throw error;
    }
    return { channel: channel.name, result: 'reported' };
  } catch (error) {
    return { channel: channel.name, result: 'failed', failure: asFailure(error) };
  }
}

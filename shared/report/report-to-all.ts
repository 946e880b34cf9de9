import type { Failure } from '../runtime/errors.ts';
import { asFailure } from '../runtime/errors.ts';
import type { ReportChannel } from './channels/channel.ts';
import { type ReportMessage, reportIdOf } from './message.ts';
import type { RunStore } from './runs.ts';

export type ChannelResult =
  | { readonly channel: string; readonly result: 'reported' }
  /** Another delivery of the same run got there first. */
  | { readonly channel: string; readonly result: 'already-reported' }
  | { readonly channel: string; readonly result: 'failed'; readonly failure: Failure };

export interface ReportRequest {
  readonly message: ReportMessage;
  readonly channels: readonly ReportChannel[];
  readonly store: Pick<RunStore, 'claimReport' | 'confirmReport' | 'releaseReport'>;
  readonly now: Date;
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
  const { message, store, now, signal } = request;
  const claim = { runId: reportIdOf(message), channel: channel.name, now };
  try {
    if (!(await store.claimReport(claim))) {
      return { channel: channel.name, result: 'already-reported' };
    }
    try {
      await channel.report(message, signal);
    } catch (error) {
      await store.releaseReport(claim).catch(() => undefined);
      throw error;
    }
    await store.confirmReport(claim);
    return { channel: channel.name, result: 'reported' };
  } catch (error) {
    return { channel: channel.name, result: 'failed', failure: asFailure(error) };
  }
}

/** A result as plain values, for a log. */
export const describeResult = (outcome: ChannelResult): Readonly<Record<string, string>> => {
  const { channel, result } = outcome;
  if (outcome.result !== 'failed') return { channel, result };
  return { channel, result, code: outcome.failure.code, problem: outcome.failure.message };
};

/** Throws the first failure, if any channel missed the report. */
export function throwUnreported(results: readonly ChannelResult[]): void {
  for (const outcome of results) if (outcome.result === 'failed') throw outcome.failure;
}

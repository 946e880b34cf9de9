import { type Clock, millisBetween } from '../../../shared/runtime/clock.ts';
import type { AsyncInvokePlan } from '../stack-plan.ts';
import type { InvocationResult, LambdaFunction } from './function.ts';

/** Sends a JSON record to a queue's or topic's ARN. */
export type Deliver = (destinationArn: string, record: string) => Promise<void>;

export interface AsyncEvent {
  readonly requestId: string;
  readonly payload: string;
  readonly clientContext?: string | undefined;
}

/** Why an event was given up. */
export type GiveUpReason = 'RetriesExhausted' | 'EventAgeExceeded';

/** What follows a failed attempt: the next one after a delay, or the failure destination. Pure. */
function decideRetry(
  attempt: { count: number; ageMillis: number },
  plan: Pick<AsyncInvokePlan, 'retryAttempts' | 'maximumAgeSeconds'>,
  retryDelaysMillis: readonly number[],
): { delayMillis: number } | { giveUp: GiveUpReason } {
  if (attempt.count > plan.retryAttempts) return { giveUp: 'RetriesExhausted' };
  const delayMillis = retryDelaysMillis[attempt.count - 1] ?? retryDelaysMillis.at(-1) ?? 0;
  return attempt.ageMillis + delayMillis > plan.maximumAgeSeconds * 1000
    ? { giveUp: 'EventAgeExceeded' }
    : { delayMillis };
}

/** Runs one asynchronous event to its success, or to its failure destination; never rejects while running. */
export async function runAsyncEvent(
  event: AsyncEvent,
  options: {
    target: LambdaFunction;
    plan: AsyncInvokePlan;
    retryDelaysMillis: readonly number[];
    deliver: Deliver;
    clock: Clock;
    signal: AbortSignal;
  },
): Promise<void> {
  const { plan, clock, signal } = options;
  const acceptedAt = clock.now();
  for (let count = 1; !signal.aborted; count += 1) {
    const result = await options.target.invoke(event);
    if (result.kind === 'returned' || signal.aborted) return;
    const ageMillis = millisBetween(acceptedAt, clock.now());
    const next = decideRetry({ count, ageMillis }, plan, options.retryDelaysMillis);
    if ('delayMillis' in next) {
      await clock.sleep(next.delayMillis, signal);
      continue;
    }
    if (plan.onFailureArn) {
      const record = failureRecord(
        event,
        { result, count, condition: next.giveUp, at: clock.now() },
        options,
      );
      await options.deliver(plan.onFailureArn, record);
    }
    return;
  }
}

function failureRecord(
  event: AsyncEvent,
  failure: { result: InvocationResult; count: number; condition: GiveUpReason; at: Date },
  { target }: { target: LambdaFunction },
): string {
  const { result } = failure;
  return JSON.stringify({
    version: '1.0',
    timestamp: failure.at.toISOString(),
    requestContext: {
      requestId: event.requestId,
      functionArn: `${target.plan.arn}:$LATEST`,
      condition: failure.condition,
      approximateInvokeCount: failure.count,
    },
    requestPayload: JSON.parse(event.payload),
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: result.kind === 'failed' ? result.error : null,
  });
}

import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { type Clock, millisBetween, systemClock } from '../../shared/runtime/clock.ts';
import { readBatchResponse } from './batch-response.ts';
import type { Lambda } from './lambda/service.ts';
import type { EventSourcePlan } from './stack-plan.ts';

const receiveLimit = 10;
const longPollSeconds = 20;
const pauseAfterErrorMillis = 500;

export interface EventSourceOptions {
  readonly plan: EventSourcePlan;
  readonly region: string;
  readonly queueUrl: string;
  readonly sqs: SQSClient;
  readonly lambda: Lambda;
  readonly onError?: ((error: unknown) => void) | undefined;
  readonly clock?: Clock | undefined;
}

export interface EventSource {
  /** Receives nothing more; resolves when the batches in flight are done or `graceMillis` have passed. */
  stop(graceMillis: number): Promise<void>;
}

/**
 * Carries a queue's messages to its function in batches, as many at a time as the function has environments
 * and the mapping allows. What succeeded is deleted; the rest reappears after the queue's visibility timeout.
 */
export function startEventSource(options: EventSourceOptions): EventSource {
  const { plan, lambda, clock = systemClock } = options;
  const stopping = new AbortController();
  const { capacity } = lambda.find(plan.functionName);
  const pollers = Math.min(plan.maximumConcurrency ?? capacity, capacity);

  async function poll(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const batch = await receiveBatch(options, clock, stopping.signal);
        if (batch.length > 0) await processBatch(batch, options);
      } catch (error) {
        if (stopping.signal.aborted) return;
        options.onError?.(error);
        await clock.sleep(pauseAfterErrorMillis, stopping.signal).catch(() => {});
      }
    }
  }

  const polling = Promise.all(Array.from({ length: pollers }, poll));
  return {
    async stop(graceMillis) {
      stopping.abort();
      const grace = new AbortController();
      const patience = clock.sleep(graceMillis, grace.signal).catch(() => {});
      await Promise.race([polling, patience]);
      grace.abort();
    },
  };
}

async function receiveBatch(
  { plan, queueUrl, sqs }: EventSourceOptions,
  clock: Clock,
  abortSignal: AbortSignal,
): Promise<Message[]> {
  const batch: Message[] = [];
  let windowStartsAt: Date | undefined;
  while (batch.length < plan.batchSize) {
    const leftSeconds = windowStartsAt
      ? plan.batchingWindowSeconds - millisBetween(windowStartsAt, clock.now()) / 1000
      : longPollSeconds;
    if (leftSeconds <= 0) break;
    const receive = new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: Math.min(receiveLimit, plan.batchSize - batch.length),
      WaitTimeSeconds: Math.min(longPollSeconds, Math.ceil(leftSeconds)),
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    try {
      const { Messages = [] } = await sqs.send(receive, { abortSignal });
      batch.push(...Messages);
    } catch (error) {
      // What was received before the stop is still worked on.
      if (batch.length > 0) return batch;
      throw error;
    }
    if (batch.length === 0) return batch;
    windowStartsAt ??= clock.now();
  }
  return batch;
}

async function processBatch(batch: readonly Message[], options: EventSourceOptions): Promise<void> {
  const { plan, lambda } = options;
  const event = { Records: batch.map((message) => toRecord(message, options)) };
  const result = await lambda.invoke(plan.functionName, { payload: JSON.stringify(event) });
  if (result.kind === 'failed') return;
  const ids = batch.map(({ MessageId = '' }) => MessageId);
  const { failed } =
    plan.batchResponse === 'item-failures'
      ? readBatchResponse(result.payload, ids)
      : { failed: 'none' as const };
  if (failed === 'all') return;
  const done = failed === 'none' ? batch : batch.filter(({ MessageId = '' }) => !failed.has(MessageId));
  for (let start = 0; start < done.length; start += receiveLimit) {
    await deleteMessages(done.slice(start, start + receiveLimit), options);
  }
}

async function deleteMessages(messages: readonly Message[], { sqs, queueUrl }: EventSourceOptions) {
  const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
  await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
}

/** A message as it stands in the function's event. */
function toRecord(
  message: Message,
  { plan, region }: Pick<EventSourceOptions, 'plan' | 'region'>,
): Record<string, unknown> {
  const attributes = Object.entries(message.MessageAttributes ?? {}).map(([name, attribute]) => [
    name,
    {
      ...(attribute.StringValue === undefined ? {} : { stringValue: attribute.StringValue }),
      ...(attribute.BinaryValue === undefined
        ? {}
        : { binaryValue: Buffer.from(attribute.BinaryValue).toString('base64') }),
      stringListValues: [],
      binaryListValues: [],
      dataType: attribute.DataType,
    },
  ]);
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(attributes),
    ...(message.MD5OfMessageAttributes ? { md5OfMessageAttributes: message.MD5OfMessageAttributes } : {}),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: plan.queueArn,
    awsRegion: region,
  };
}

import type { SQSClient } from '@aws-sdk/client-sqs';
import { createQueueSender } from '../runtime/sqs.ts';
import { packNames, type RefreshQueue } from './refresh-queue.ts';

/** RefreshQueue over the SQS queue of this name. */
export function createSqsRefreshQueue(client: SQSClient, queueName: string): RefreshQueue {
  const send = createQueueSender(client, queueName);
  return { send: (names) => send(packNames(names).map((certificateNames) => ({ certificateNames }))) };
}

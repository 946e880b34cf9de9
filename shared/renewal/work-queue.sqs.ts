import type { SQSClient } from '@aws-sdk/client-sqs';
import { Failure } from '../runtime/errors.ts';
import { createQueueSender } from '../runtime/sqs.ts';
import type { Worker } from './transitions.ts';
import type { WorkQueue } from './work-queue.ts';

/** WorkQueue over SQS; `queues` names the queue of each worker that is sent to. */
export function createSqsWorkQueue(client: SQSClient, queues: Partial<Record<Worker, string>>): WorkQueue {
  const senders = new Map(
    Object.entries(queues).map(([worker, name]) => [worker, createQueueSender(client, name)]),
  );
  return {
    async send(worker, work) {
      const send = senders.get(worker);
      if (!send) {
        throw new Failure({
          code: 'unexpected',
          disposition: 'bug',
          message: `this function was given no queue for ${worker}; name it in serverless.yml`,
        });
      }
      await send(work);
    },
  };
}

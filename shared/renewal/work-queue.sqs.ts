import { GetQueueUrlCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Failure } from '../runtime/errors.ts';
import type { Worker } from './transitions.ts';
import type { RenewalWork, WorkQueue } from './work-queue.ts';

const batchSize = 10;

/** Its own endpoint, not the queue URL's host, decides where it goes: a VPC endpoint or a local stack. */
export const createSqs = (): SQSClient =>
  new SQSClient({
    maxAttempts: 4,
    useQueueUrlAsEndpoint: false,
    requestHandler: { requestTimeout: 5000, throwOnRequestTimeout: true, connectionTimeout: 2000 },
  });

/** WorkQueue over SQS; `queues` names each worker's queue. */
export function createSqsWorkQueue(client: SQSClient, queues: Partial<Record<Worker, string>>): WorkQueue {
  const urls = new Map<Worker, Promise<string>>();
  const urlOf = (worker: Worker): Promise<string> => {
    const url = urls.get(worker) ?? findUrl(client, queues[worker] ?? '');
    urls.set(worker, url);
    url.catch(() => urls.delete(worker));
    return url;
  };
  return {
    async send(worker, work) {
      try {
        const url = await urlOf(worker);
        for (let start = 0; start < work.length; start += batchSize) {
          await sendBatch({ client, url, work: work.slice(start, start + batchSize), attempt: 1 });
        }
      } catch (cause) {
        throw queueUnavailable(worker, cause);
      }
    },
  };
}

interface Batch {
  readonly client: SQSClient;
  readonly url: string;
  readonly work: readonly RenewalWork[];
  readonly attempt: number;
}

/** A batch may succeed in part: SQS answers 200 and lists what failed. */
async function sendBatch({ client, url, work, attempt }: Batch): Promise<void> {
  const answer = await client.send(
    new SendMessageBatchCommand({
      QueueUrl: url,
      Entries: work.map((item, index) => ({ Id: String(index), MessageBody: JSON.stringify(item) })),
    }),
  );
  const failed = (answer.Failed ?? []).flatMap(({ Id }) => work[Number(Id)] ?? []);
  if (failed.length === 0) return;
  if (attempt >= 3) throw new Error(`${failed.length} messages refused: ${answer.Failed?.[0]?.Code}`);
  await sendBatch({ client, url, work: failed, attempt: attempt + 1 });
}

async function findUrl(client: SQSClient, queueName: string): Promise<string> {
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: queueName }));
  if (!QueueUrl) throw new Error(`queue ${queueName} has no URL`);
  return QueueUrl;
}

const queueUnavailable = (worker: Worker, cause: unknown) =>
  new Failure({
    code: 'queue-unavailable',
    disposition: 'retry',
    message: `the queue of ${worker} did not take the work (${(cause as Error).name}: ${(cause as Error).message})`,
    cause,
  });

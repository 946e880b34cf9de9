import { GetQueueUrlCommand, SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { Failure } from '../runtime/errors.ts';
import { shareSuccess } from '../runtime/share-success.ts';
import { packNames, type RefreshQueue } from './refresh-queue.ts';

/** SQS takes ten messages at once; fifty names of 253 characters each keep them within its 256 KB. */
const messagesPerCall = 10;
const sendAttempts = 3;

/** RefreshQueue over the SQS queue of this name. */
export function createSqsRefreshQueue(client: SQSClient, queueName: string): RefreshQueue {
  const findUrl = shareSuccess(async () => {
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: queueName }));
    if (!QueueUrl) throw new Error(`queue ${queueName} has no URL`);
    return QueueUrl;
  });
  return {
    async send(names) {
      const bodies = packNames(names).map((certificateNames) => JSON.stringify({ certificateNames }));
      try {
        for (let start = 0; start < bodies.length; start += messagesPerCall) {
          const batch = bodies.slice(start, start + messagesPerCall);
          await sendAll({ client, url: await findUrl(), bodies: batch });
        }
      } catch (cause) {
        throw queueUnavailable(queueName, cause);
      }
    },
  };
}

/** A batch may succeed in part: SQS answers 200 and lists what failed, which alone is sent again. */
async function sendAll({
  client,
  url,
  bodies,
}: {
  client: SQSClient;
  url: string;
  bodies: readonly string[];
}) {
  let unsent = bodies;
  for (let attempt = 1; ; attempt++) {
    const Entries = unsent.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
    unsent = Failed.flatMap(({ Id }) => unsent[Number(Id)] ?? []);
    if (unsent.length === 0) return;
    if (attempt === sendAttempts) {
      throw new Error(`${unsent.length} messages refused ${attempt} times: ${Failed[0]?.Code}`);
    }
  }
}

function queueUnavailable(queueName: string, cause: unknown): Failure {
  const { name, message } = cause as Error;
  return new Failure({
    code: 'queue-unavailable',
    disposition: 'retry',
    message: `queue ${queueName} did not take the certificates to ask about (${name}: ${message}); check its name, the role and the endpoint`,
    cause,
  });
}

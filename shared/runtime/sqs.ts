import { GetQueueUrlCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Failure } from './errors.ts';
import { shareSuccess } from './share-success.ts';

/** SQS takes so many messages at once. */
const messagesPerCall = 10;
const sendAttempts = 3;

/** Its own endpoint, not the queue URL's host, decides where it goes: a VPC endpoint or a local stack. */
export const createSqs = (): SQSClient =>
  new SQSClient({
    maxAttempts: 4,
    useQueueUrlAsEndpoint: false,
    requestHandler: { requestTimeout: 5000, throwOnRequestTimeout: true, connectionTimeout: 2000 },
  });

/**
 * Sends JSON messages to the queue of this name; ten of them have to fit into SQS's 1 MiB.
 * @throws Failure `queue-unavailable`, after which any part may have been sent
 */
export function createQueueSender(
  client: SQSClient,
  queueName: string,
): (messages: readonly object[]) => Promise<void> {
  const findUrl = shareSuccess(async () => {
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: queueName }));
    if (!QueueUrl) throw new Error(`queue ${queueName} has no URL`);
    return QueueUrl;
  });
  return async (messages) => {
    try {
      for (let start = 0; start < messages.length; start += messagesPerCall) {
        const bodies = messages
          .slice(start, start + messagesPerCall)
          .map((message) => JSON.stringify(message));
        await sendAll({ client, url: await findUrl(), bodies });
      }
    } catch (cause) {
      const { name, message } = cause as Error;
      throw new Failure({
        code: 'queue-unavailable',
        disposition: 'retry',
        message: `queue ${queueName} did not take its messages (${name}: ${message}); check its name, the role and the endpoint`,
        cause,
      });
    }
  };
}

/** A batch may succeed in part: SQS answers 200 and lists what failed, which alone is sent again. */
async function sendAll(batch: { client: SQSClient; url: string; bodies: readonly string[] }): Promise<void> {
  let unsent = batch.bodies;
  for (let attempt = 1; ; attempt++) {
    const Entries = unsent.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    const sent = await batch.client.send(new SendMessageBatchCommand({ QueueUrl: batch.url, Entries }));
    const { Failed = [] } = sent;
    unsent = Failed.flatMap(({ Id }) => unsent[Number(Id)] ?? []);
    if (unsent.length === 0) return;
    if (attempt === sendAttempts)
      throw new Error(`${unsent.length} messages refused ${attempt} times: ${Failed[0]?.Code}`);
  }
}

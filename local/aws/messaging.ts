import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import { Failure } from '../../shared/runtime/errors.ts';
import { portOf } from '../loopback.ts';
import type { AccessGuard } from './access/guard.ts';
import { gateMessaging } from './access/messaging-gate.ts';
import { ACCOUNT_ID } from './intrinsics.ts';
import type { StackPlan } from './stack-plan.ts';

/** Where and as whom an SDK client talks to the embedded AWS. */
export interface ClientSettings {
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export interface Messaging {
  readonly endpoint: string;
  readonly sqs: SQSClient;
  queueUrlOf(arnOrName: string): string;
  create(plan: Pick<StackPlan, 'queues' | 'topics' | 'subscriptions'>): Promise<void>;
  /** Sends a record to a queue or a topic. */
  deliver(destinationArn: string, record: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * SQS and SNS on loopback (fauxqs), in memory: messages end with the process. With a `guard`,
 * open to functions as far as their roles go.
 */
export async function startMessaging(
  settings: ClientSettings,
  { guard }: { guard?: AccessGuard | undefined } = {},
): Promise<Messaging> {
  // fauxqs's own start function listens on every interface.
  const app = buildApp({ logger: false, defaultRegion: settings.region });
  if (guard) gateMessaging(app, { guard, region: settings.region });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const endpoint = `http://127.0.0.1:${portOf(app.server)}`;
  const sqs = new SQSClient({ ...settings, endpoint, requestHandler: { httpAgent: { maxSockets: 256 } } });
  const sns = new SNSClient({ ...settings, endpoint });
  const queueUrlOf = (arnOrName: string) => `${endpoint}/${ACCOUNT_ID}/${arnOrName.split(':').at(-1)}`;

  return {
    endpoint,
    sqs,
    queueUrlOf,
    async create({ queues, topics, subscriptions }) {
      await Promise.all([
        ...queues.map(({ name, attributes }) =>
          sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: { ...attributes } })),
        ),
        ...topics.map(({ name }) => sns.send(new CreateTopicCommand({ Name: name }))),
      ]);
      for (const subscription of subscriptions) {
        await sns.send(
          new SubscribeCommand({
            TopicArn: subscription.topicArn,
            Protocol: subscription.protocol,
            Endpoint: subscription.endpoint,
            Attributes: { ...subscription.attributes },
          }),
        );
      }
    },
    async deliver(destinationArn, record) {
      const service = destinationArn.split(':')[2];
      if (service === 'sqs') {
        const message = { QueueUrl: queueUrlOf(destinationArn), MessageBody: record };
        await sqs.send(new SendMessageCommand(message));
      } else if (service === 'sns') {
        await sns.send(new PublishCommand({ TopicArn: destinationArn, Message: record }));
      } else {
        throw new Failure({
          code: 'unsupported-destination',
          disposition: 'give-up',
          message: `${destinationArn}: the embedded AWS delivers to SQS and SNS only`,
        });
      }
    },
    async stop() {
      for (const client of [sqs, sns]) client.destroy();
      await app.close();
    },
  };
}

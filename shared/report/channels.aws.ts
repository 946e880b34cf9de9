import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { Failure } from '../runtime/errors.ts';
import type { SecretStore } from '../runtime/secrets.ts';
import { shareSuccess } from '../runtime/share-success.ts';
import type { ReportChannel } from './channels/channel.ts';
import { createReportChannels } from './channels.ts';

export const createSns = (): SNSClient =>
  new SNSClient({
    maxAttempts: 4,
    requestHandler: { requestTimeout: 5000, throwOnRequestTimeout: true, connectionTimeout: 2000 },
  });

/**
 * The channels of a deployed stack: the topic always, Slack where `<prefix>/webhooks/slack` holds {"url"}, mail
 * where `<prefix>/smtp` holds a server (see smtp-settings.ts); the text itself goes to the log.
 * @throws Failure `vault-unavailable`
 */
export async function createAwsChannels(options: {
  readonly sns: SNSClient;
  readonly topicName: string;
  readonly secrets: SecretStore;
  readonly secretsPrefix: string;
}): Promise<readonly ReportChannel[]> {
  const { sns: client, topicName, secrets, secretsPrefix } = options;
  const [slack, smtp] = await Promise.all([
    secrets.read(`${secretsPrefix}/webhooks/slack`) as Promise<{ url?: string } | undefined>,
    secrets.read(`${secretsPrefix}/smtp`),
  ]);
  return createReportChannels({
    console: { write: (text) => console.info(text) },
    // Looked up when it reports, so that a topic out of reach silences no other channel.
    sns: { client, findTopic: shareSuccess(() => findTopic(client, topicName)) },
    slack: slack?.url ? { webhookUrl: slack.url } : undefined,
    email: smtp === undefined ? undefined : { smtp },
  });
}

/** CreateTopic answers the ARN of the topic that exists under this name. */
async function findTopic(client: SNSClient, Name: string): Promise<string> {
  try {
    const { TopicArn } = await client.send(new CreateTopicCommand({ Name }));
    if (TopicArn) return TopicArn;
    throw new Error('no ARN in the answer');
  } catch (cause) {
    throw new Failure({
      code: 'sns-unavailable',
      disposition: 'retry',
      message: `topic ${Name} cannot be found (${(cause as Error).name}: ${(cause as Error).message}); check the role`,
      cause,
    });
  }
}

import { CreateTopicCommand, type SNSClient } from '@aws-sdk/client-sns';
import { Failure } from '../runtime/errors.ts';
import type { SecretStore } from '../runtime/secrets.ts';
import type { ReportChannel } from './channels/channel.ts';
import { createReportChannels } from './channels.ts';

/**
 * The channels of a deployed stack: the topic always, Slack where `<prefix>/webhooks/slack` holds {"url"}; the
 * text itself goes to the log.
 * @throws Failure `vault-unavailable`, `sns-unavailable`
 */
export async function createAwsChannels(options: {
  readonly sns: SNSClient;
  readonly topicName: string;
  readonly secrets: SecretStore;
  readonly secretsPrefix: string;
}): Promise<readonly ReportChannel[]> {
  const { sns: client, topicName, secrets, secretsPrefix } = options;
  const [topicArn, slack] = await Promise.all([
    findTopic(client, topicName),
    secrets.read(`${secretsPrefix}/webhooks/slack`) as Promise<{ url?: string } | undefined>,
  ]);
  return createReportChannels({
    console: { write: (text) => console.info(text) },
    sns: { client, topicArn },
    slack: slack?.url ? { webhookUrl: slack.url } : undefined,
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

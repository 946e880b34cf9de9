import type { SNSClient } from '@aws-sdk/client-sns';
import type { ReportChannel } from './channels/channel.ts';
import { consoleChannel } from './channels/console.ts';
import { emailChannel } from './channels/email.ts';
import { slackChannel } from './channels/slack.ts';
import { snsChannel } from './channels/sns.ts';

/** The channels to report through; one that is absent is not used. */
export interface ChannelSettings {
  readonly console?: { readonly write: (text: string) => void } | undefined;
  readonly sns?: { readonly client: SNSClient; readonly findTopic: () => Promise<string> } | undefined;
  /** The URL is a secret. */
  readonly slack?: { readonly webhookUrl: string } | undefined;
  /** What the secret of the mail server holds. */
  readonly email?: { readonly smtp: unknown } | undefined;
}

/** One row per channel; its failures show when it reports, so that one badly set up hides no other. */
export const createReportChannels = ({
  console,
  sns,
  slack,
  email,
}: ChannelSettings): readonly ReportChannel[] => [
  ...(console ? [consoleChannel(console.write)] : []),
  ...(sns ? [snsChannel(sns.client, sns.findTopic)] : []),
  ...(slack ? [slackChannel(slack.webhookUrl)] : []),
  ...(email ? [emailChannel(email.smtp)] : []),
];

import {
  type MessageAttributeValue,
  PublishCommand,
  type PublishCommandInput,
  type SNSClient,
} from '@aws-sdk/client-sns';
import { Failure } from '../../runtime/errors.ts';
import type { ReportMessage } from '../message.ts';
import { formatMessageText } from '../message-text.ts';
import type { ReportChannel } from './channel.ts';

const timeoutMillis = 10_000;
/** SNS's own: fewer than 100 ASCII characters, on one line. */
const maximumSubjectCharacters = 99;
/** Tried in turn until the text fits. */
const mostShownLines = [100, 25, 5];
/** SNS takes 256 KiB, attributes included. */
const maximumBytes = 250 * 1024;
/** What SQS takes with raw delivery. */
const maximumAttributes = 10;

/** Publishes to one topic. Failures: `sns-unavailable` (retry), `sns-refused` (give up). */
export const snsChannel = (client: SNSClient, findTopic: () => Promise<string>): ReportChannel => ({
  name: 'sns',
  async report(message, signal) {
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(timeoutMillis)]);
    const topicArn = await findTopic();
    try {
      await client.send(new PublishCommand(buildPublication(message, topicArn)), { abortSignal });
    } catch (error) {
      throw translate(error, topicArn);
    }
  },
});

/**
 * What is published: text for people, attributes for the filter policies of subscriptions, and in the attribute
 * `summary` the same as JSON for machines, left out where it does not fit.
 */
export function buildPublication(message: ReportMessage, topicArn: string): PublishCommandInput {
  const Message = formatFitting(message);
  const summary = JSON.stringify(message.json) ?? '';
  const fits = Buffer.byteLength(Message) + Buffer.byteLength(summary) <= maximumBytes;
  const attributes = Object.entries({ runId: message.runId, ...message.attributes }).slice(
    0,
    maximumAttributes - 1,
  );
  return {
    TopicArn: topicArn,
    Subject: message.subject.slice(0, maximumSubjectCharacters),
    Message,
    MessageAttributes: {
      ...Object.fromEntries(attributes.map(([name, value]) => [name, attribute(value)])),
      ...(summary !== '' && fits ? { summary: attribute(summary) } : {}),
    },
  };
}

const attribute = (value: string | number): MessageAttributeValue => ({
  DataType: typeof value === 'number' ? 'Number' : 'String',
  StringValue: String(value),
});

/** The text with as many lines of each section as fit. */
function formatFitting(message: ReportMessage): string {
  const text = mostShownLines.map((shownLines) => formatMessageText(message, { shownLines }));
  return text.find((each) => Buffer.byteLength(each) <= maximumBytes) ?? message.title;
}

function translate(error: unknown, topicArn: string): Failure {
  const name = error instanceof Error ? error.name : 'unknown error';
  const fault = error instanceof Error && '$fault' in error ? error.$fault : undefined;
  const refused = fault === 'client' && !/Throttl/.test(name);
  return new Failure({
    code: refused ? 'sns-refused' : 'sns-unavailable',
    disposition: refused ? 'give-up' : 'retry',
    message: refused
      ? `topic ${topicArn} refused the report (${name}); check that it exists and that sns:Publish is allowed`
      : `topic ${topicArn} could not be reached (${name})`,
    cause: error,
  });
}

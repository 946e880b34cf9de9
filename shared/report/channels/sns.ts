import { PublishCommand, type PublishCommandInput, type SNSClient } from '@aws-sdk/client-sns';
import { Failure } from '../../runtime/errors.ts';
import type { RunSummary } from '../summary.ts';
import { formatSummaryText, formatTitle } from '../summary-text.ts';
import type { ReportChannel } from './channel.ts';

const timeoutMillis = 10_000;
/** SNS's own: fewer than 100 ASCII characters, on one line. */
const maximumSubjectCharacters = 99;
/** Keeps the text, at 300 characters of up to 4 bytes a line, under SNS's 256 KiB with its attributes. */
const shownLines = 100;

/** Publishes to one topic. Failures: `sns-unavailable` (retry), `sns-refused` (give up). */
export const snsChannel = (client: SNSClient, findTopic: () => Promise<string>): ReportChannel => ({
  name: 'sns',
  async report(summary, signal) {
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(timeoutMillis)]);
    const topicArn = await findTopic();
    try {
      await client.send(new PublishCommand(buildPublication(summary, topicArn)), { abortSignal });
    } catch (error) {
      throw translate(error, topicArn);
    }
  },
});

/** What is published; the attributes are for subscription filter policies. */
export function buildPublication(summary: RunSummary, topicArn: string): PublishCommandInput {
  const count = (value: number) => ({ DataType: 'Number', StringValue: String(value) });
  return {
    TopicArn: topicArn,
    Subject: formatTitle(summary).slice(0, maximumSubjectCharacters),
    Message: formatSummaryText(summary, { shownLines }),
    MessageAttributes: {
      runId: { DataType: 'String', StringValue: summary.runId },
      result: { DataType: 'String', StringValue: summary.failed.length > 0 ? 'failed' : 'succeeded' },
      total: count(summary.total),
      renewed: count(summary.renewed.length),
      skipped: count(summary.skippedCount),
      failed: count(summary.failed.length),
      warnings: count(summary.warnings.length),
    },
  };
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

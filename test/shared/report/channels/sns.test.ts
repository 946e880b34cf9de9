import { SNSClient } from '@aws-sdk/client-sns';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPublication, snsChannel } from '../../../../shared/report/channels/sns.ts';
import { aMessage, failures } from '../a-summary.ts';

const { signal } = new AbortController();

describe('the SNS channel', () => {
  let server: FauxqsServer;
  let sns: SNSClient;
  let sqs: SQSClient;

  beforeAll(async () => {
    server = await startFauxqs({ port: 0, logger: false });
    const settings = {
      endpoint: server.address,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    sns = new SNSClient(settings);
    sqs = new SQSClient(settings);
  });
  afterAll(async () => {
    sns.destroy();
    sqs.destroy();
    await server.stop();
  });

  test('publishes subject, text and attributes to the topic', async () => {
    const { queueUrl } = server.createQueue('people');
    const { topicArn } = server.createTopic('reports');
    server.subscribe({ topic: 'reports', queue: 'people' });

    await snsChannel(sns, async () => topicArn).report(aMessage(), signal);

    const { Messages } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 5 }),
    );
    expect(JSON.parse(Messages?.[0]?.Body ?? '{}')).toMatchObject({
      TopicArn: topicArn,
      Subject: 'certfleet: 3 of 5 renewed, 1 failed',
      Message: expect.stringContaining('d.example.com: the CA gave no answer (ca-unreachable)'),
      MessageAttributes: {
        runId: { Type: 'String', Value: 'run-1' },
        result: { Type: 'String', Value: 'failed' },
        total: { Type: 'Number', Value: '5' },
        renewed: { Type: 'Number', Value: '3' },
        skipped: { Type: 'Number', Value: '1' },
        failed: { Type: 'Number', Value: '1' },
        warnings: { Type: 'Number', Value: '1' },
      },
    });
  });

  test('gives up on a topic that does not exist, naming it', async () => {
    const topicArn = 'arn:aws:sns:us-east-1:000000000000:absent';
    await expect(snsChannel(sns, async () => topicArn).report(aMessage(), signal)).rejects.toMatchObject({
      code: 'sns-refused',
      disposition: 'give-up',
      message: expect.stringContaining(topicArn),
    });
  });

  test('may be tried again where SNS cannot be reached', async () => {
    const aborted = snsChannel(sns, async () => 'arn:aws:sns:us-east-1:000000000000:reports');
    await expect(aborted.report(aMessage(), AbortSignal.abort())).rejects.toMatchObject({
      code: 'sns-unavailable',
      disposition: 'retry',
    });
  });

  test('keeps to the sizes SNS takes, however much failed', () => {
    const failed = failures(10_000, '€'.repeat(1000));
    const warnings = failed.map(({ name, error }) => ({ name, message: error }));
    const { Subject = '', Message = '' } = buildPublication(
      aMessage({ failed, warnings, total: 2 ** 53 }),
      'arn',
    );
    expect(Subject).toMatch(/^[\x20-\x7e]{1,99}$/);
    expect(Buffer.byteLength(Message)).toBeLessThan(250 * 1024);
    expect(Message).toContain('and 9900 more');
  });
});

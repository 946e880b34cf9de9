import { SNSClient } from '@aws-sdk/client-sns';
import { expect, test } from 'vitest';
import { createAwsChannels } from '../../../shared/report/channels.aws.ts';
import type { SecretStore } from '../../../shared/runtime/secrets.ts';
import { aMessage } from './a-summary.ts';

/** Secrets by name; nothing is written. */
const secretsOf = (values: Readonly<Record<string, unknown>>): SecretStore => ({
  read: async (name) => values[name],
  create: () => Promise.reject(new Error('nothing is created')),
  put: () => Promise.reject(new Error('nothing is put')),
});

const channelsOf = (values: Readonly<Record<string, unknown>>) =>
  createAwsChannels({
    sns: new SNSClient({ region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }),
    topicName: 'reports',
    secrets: secretsOf(values),
    secretsPrefix: 'certfleet/test',
  });

test('a deployed stack reports to the log and the topic, and by Slack and mail where secrets say how', async () => {
  const namesOf = async (values: Readonly<Record<string, unknown>>) =>
    (await channelsOf(values)).map(({ name }) => name);
  expect(await namesOf({})).toEqual(['console', 'sns']);
  expect(
    await namesOf({
      'certfleet/test/webhooks/slack': { url: 'https://hooks.slack.com/services/T/B/X' },
      'certfleet/test/smtp': { host: 'mail.example.com', port: 587, from: 'certfleet@example.com' },
    }),
  ).toEqual(['console', 'sns', 'slack', 'email']);
});

test('a mail server badly set up hides no other channel, and shows when it is to report', async () => {
  const channels = await channelsOf({ 'certfleet/test/smtp': { host: 'mail.example.com' } });
  expect(channels.map(({ name }) => name)).toEqual(['console', 'sns', 'email']);
  await expect(channels.at(-1)?.report(aMessage(), new AbortController().signal)).rejects.toMatchObject({
    code: 'smtp-settings-invalid',
    message: expect.stringContaining('port, from'),
  });
});

import { describe, expect, test } from 'vitest';
import type { ReportChannel } from '../../../shared/report/channels/channel.ts';
import { createReportChannels } from '../../../shared/report/channels.ts';
import { describeResult, reportToAll, throwUnreported } from '../../../shared/report/report-to-all.ts';
import { createMemoryRunStore } from '../../../shared/report/runs.memory.ts';
import { Failure } from '../../../shared/runtime/errors.ts';
import { aMessage } from './a-summary.ts';

const { signal } = new AbortController();

/** A channel that counts what it reports and fails as often as told. */
function aChannel(name: string, timesFailing = 0) {
  const heard: string[] = [];
  let failing = timesFailing;
  const channel: ReportChannel = {
    name,
    async report({ runId }) {
      failing -= 1;
      if (failing >= 0) {
        throw new Failure({ code: `${name}-unavailable`, disposition: 'retry', message: 'no answer' });
      }
      heard.push(runId);
    },
  };
  return { channel, heard };
}

const now = new Date('2026-11-21T12:00:00Z');

describe('reportToAll', () => {
  test('reports through every channel, and once to each however often it is called', async () => {
    const store = createMemoryRunStore();
    const [slack, sns] = [aChannel('slack'), aChannel('sns')];
    const request = { message: aMessage(), channels: [slack.channel, sns.channel], store, now, signal };
    expect(await reportToAll(request)).toEqual([
      { channel: 'slack', result: 'reported' },
      { channel: 'sns', result: 'reported' },
    ]);
    const again = await Promise.all([reportToAll(request), reportToAll(request)]);
    expect(again.flat().map(({ result }) => result)).toEqual(Array(4).fill('already-reported'));
    expect([slack.heard, sns.heard]).toEqual([['run-1'], ['run-1']]);
  });

  test('lets no failure hide another channel, and reaches the one that missed it the next time', async () => {
    const store = createMemoryRunStore();
    const [slack, sns] = [aChannel('slack', 1), aChannel('sns')];
    const request = { message: aMessage(), channels: [slack.channel, sns.channel], store, now, signal };
    expect(await reportToAll(request)).toMatchObject([
      { channel: 'slack', result: 'failed', failure: { code: 'slack-unavailable' } },
      { channel: 'sns', result: 'reported' },
    ]);
    expect(await reportToAll(request)).toEqual([
      { channel: 'slack', result: 'reported' },
      { channel: 'sns', result: 'already-reported' },
    ]);
    expect([slack.heard, sns.heard]).toEqual([['run-1'], ['run-1']]);
  });

  test('answers with a failure where the store cannot be asked', async () => {
    const slack = aChannel('slack');
    const down = new Failure({ code: 'store-unavailable', disposition: 'retry', message: 'no answer' });
    const store = { ...createMemoryRunStore(), claimReport: () => Promise.reject(down) };
    const request = { message: aMessage(), channels: [slack.channel], store, now, signal };
    expect(await reportToAll(request)).toEqual([{ channel: 'slack', result: 'failed', failure: down }]);
    expect(slack.heard).toEqual([]);
  });
});

describe('createReportChannels', () => {
  test('makes the channels that are set up, and the console writes the summary as text', async () => {
    const written: string[] = [];
    const channels = createReportChannels({
      console: { write: (text) => written.push(text) },
      slack: { webhookUrl: 'https://hooks.slack.com/services/T/B/X' },
    });
    expect(channels.map(({ name }) => name)).toEqual(['console', 'slack']);
    await channels[0]?.report(aMessage(), signal);
    expect(written.join('')).toMatch(/^certfleet: 3 of 5 renewed, 1 failed\n[\s\S]*UTC\n$/);
  });

  test('is to be repeated when a channel missed the report, and only then', async () => {
    const store = createMemoryRunStore();
    const [slack, sns] = [aChannel('slack', 1), aChannel('sns')];
    const request = { message: aMessage(), channels: [slack.channel, sns.channel], store, now, signal };
    const missed = await reportToAll(request);
    expect(() => throwUnreported(missed)).toThrow(expect.objectContaining({ code: 'slack-unavailable' }));
    expect(missed.map(describeResult)).toEqual([
      { channel: 'slack', result: 'failed', code: 'slack-unavailable', problem: 'no answer' },
      { channel: 'sns', result: 'reported' },
    ]);
    const again = await reportToAll(request);
    throwUnreported(again);
    expect([slack.heard, sns.heard]).toEqual([['run-1'], ['run-1']]);
  });
});

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { portOf } from '../../../../local/loopback.ts';
import { type SlackSink, startSlackSink } from '../../../../local/slack-sink.ts';
import { slackChannel } from '../../../../shared/report/channels/slack.ts';
import { buildSlackMessage } from '../../../../shared/report/channels/slack-blocks.ts';
import { aMessage, failures } from '../a-summary.ts';

const { signal } = new AbortController();
const secretPath = '/services/T1/B1/secret-token';

let stopping: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(stopping.map((stop) => stop()));
  stopping = [];
});

async function aSink(): Promise<SlackSink> {
  const sink = await startSlackSink();
  stopping.push(() => sink.stop());
  return sink;
}

/** A server in Slack's place that answers as the test says. */
async function aWebhook(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stopping.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${portOf(server)}${secretPath}`;
}

const failureOf = async (url: string, abort: AbortSignal = signal): Promise<unknown> =>
  slackChannel(url)
    .report(aMessage(), abort)
    .then(
      () => undefined,
      (error) => error,
    );

describe('the Slack channel', () => {
  test('posts header, totals, failures, warnings and the next run', async () => {
    const sink = await aSink();
    await slackChannel(sink.url).report(aMessage(), signal);
    const markdown = (text: string) => ({ type: 'mrkdwn', text, verbatim: true });
    expect(sink.posts).toEqual([
      {
        text: 'certfleet: 3 of 5 renewed, 1 failed',
        blocks: [
          { type: 'header', text: { type: 'plain_text', text: 'certfleet: 3 of 5 renewed, 1 failed' } },
          {
            type: 'section',
            fields: [
              markdown('*Total*\n5'),
              markdown('*Renewed*\n3'),
              markdown('*Skipped*\n1 (not due)'),
              markdown('*Failed*\n1'),
              markdown('*Deployed*\n3 targets'),
              markdown('*Verified*\n1 endpoint'),
            ],
          },
          {
            type: 'section',
            text: markdown('*Failed*\n• d.example.com: the CA gave no answer (ca-unreachable)'),
          },
          { type: 'section', text: markdown('*Warnings*\n• a.example.com: served without its intermediate') },
          { type: 'context', elements: [markdown('run run-1 took 12.3 s; next run 2027-01-02 03:00 UTC')] },
        ],
      },
    ]);
  });

  test('neither mentions anybody nor makes links, whatever a reason holds', () => {
    const failed = failures(1, '<!channel> & <https://example.com|click>');
    const text = JSON.stringify(buildSlackMessage(aMessage({ failed })).blocks);
    expect(text).toContain('&lt;!channel&gt; &amp; &lt;https://example.com|click&gt;');
    expect(text).not.toMatch(/[<>]/);
  });

  test.each([
    [13, 'short'],
    [1000, 'no answer'],
    [100_000, '<'.repeat(1000)],
    [500, '&'.repeat(250)],
  ])(
    'stays within what Slack takes with %i failures, and counts the ones left out',
    async (count, reason) => {
      const sink = await aSink();
      const failed = failures(count, reason);
      const warnings = failed.map(({ name, error }) => ({ name, message: error }));
      await slackChannel(sink.url).report(aMessage({ failed, warnings }), signal);

      const text = JSON.stringify(sink.posts[0]?.blocks);
      const leftOut = [...text.matchAll(/and (\d+) more/g)].map(([, number]) => Number(number));
      const listed = [...text.matchAll(/• n/g)].length;
      expect(listed).toBeGreaterThan(1);
      expect(listed + leftOut.reduce((left, right) => left + right, 0)).toBe(2 * count);
    },
  );

  test('says when to come back after status 429', async () => {
    const url = await aWebhook((_, response) => response.writeHead(429, { 'retry-after': '17' }).end());
    expect(await failureOf(url)).toMatchObject({
      code: 'slack-rate-limited',
      disposition: 'retry-after',
      retryAfterSeconds: 17,
    });
  });

  test.each([
    [404, 'slack-refused', 'give-up'],
    [400, 'slack-refused', 'give-up'],
    [500, 'slack-unavailable', 'retry'],
    [503, 'slack-unavailable', 'retry'],
  ])('turns status %i into %s', async (status, code, disposition) => {
    const url = await aWebhook((_, response) => response.writeHead(status).end('no_service'));
    expect(await failureOf(url)).toMatchObject({
      code,
      disposition,
      message: expect.stringContaining(`status ${status} (no_service)`),
    });
  });

  test('does not follow a redirect, and does not read an endless answer', async () => {
    const elsewhere = await aWebhook((_, response) => response.writeHead(302, { location: '/x' }).end());
    expect(await failureOf(elsewhere)).toMatchObject({ code: 'slack-unavailable' });
    const endless = await aWebhook((_, response) => {
      const pour = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', pour);
      pour();
    });
    expect(await failureOf(endless)).toBeUndefined();
  });

  test('stops waiting when the caller does', async () => {
    const caller = new AbortController();
    const url = await aWebhook(() => caller.abort());
    expect(await failureOf(url, caller.signal)).toMatchObject({
      code: 'slack-unavailable',
      disposition: 'retry',
    });
  });

  test('never says the URL, which is a secret', async () => {
    const refusing = await aWebhook((_, response) => response.writeHead(404).end('no_service'));
    const closed = refusing.replace(/:\d+/, ':1');
    const insecure = `http://hooks.example.com${secretPath}`;
    for (const url of [refusing, closed, insecure, `not a url ${secretPath}`]) {
      const failure = await failureOf(url);
      expect(failure).toBeInstanceOf(Error);
      const { message, stack, cause } = failure as Error;
      expect(`${message} ${stack} ${String(cause)}`).not.toContain('secret-token');
    }
    expect(await failureOf(insecure)).toMatchObject({
      code: 'slack-webhook-invalid',
      disposition: 'give-up',
    });
  });
});

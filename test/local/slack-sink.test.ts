import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SlackSink, startSlackSink } from '../../local/slack-sink.ts';

let sink: SlackSink;
beforeEach(async () => {
  sink = await startSlackSink();
});
afterEach(() => sink.stop());

const aSection = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });
async function post(body: unknown, url = sink.url) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(url, { method: 'POST', body: text });
  return `${answer.status} ${await answer.text()}`;
}

describe('the Slack sink', () => {
  test('listens on loopback, takes a post and keeps it', async () => {
    expect(new URL(sink.url).hostname).toBe('127.0.0.1');
    const message = { text: 'hello', blocks: [aSection('*hello*')] };
    expect(await post(message)).toBe('200 ok');
    expect(sink.posts).toEqual([message]);
  });

  test('keeps the last 50 posts', async () => {
    for (let index = 0; index < 52; index += 1) await post({ text: `${index}`, blocks: [aSection('x')] });
    expect(sink.posts.map(({ text }) => text)).toEqual(
      Array.from({ length: 50 }, (_, index) => `${index + 2}`),
    );
  });

  test.each<[string, unknown, string]>([
    ['no JSON', '{', '400 invalid_payload'],
    ['no text', { blocks: [aSection('x')] }, '400 invalid_payload'],
    ['no blocks', { text: 'x', blocks: [] }, '400 invalid_blocks'],
    ['51 blocks', { text: 'x', blocks: Array(51).fill({ type: 'divider' }) }, '400 invalid_blocks'],
    ['a section above 3000', { text: 'x', blocks: [aSection('x'.repeat(3001))] }, '400 invalid_blocks'],
    ['an unknown block', { text: 'x', blocks: [{ type: 'sektion' }] }, '400 invalid_blocks'],
    ['a body above 256 KiB', 'x'.repeat(256 * 1024 + 1), '413 payload_too_large'],
  ])('refuses %s', async (_, body, answer) => {
    expect(await post(body)).toBe(answer);
    expect(sink.posts).toEqual([]);
  });

  test('answers for its own path and method alone', async () => {
    expect(await post({}, new URL('/services/other', sink.url).href)).toBe('404 no_team');
    expect((await fetch(sink.url)).status).toBe(405);
  });
});

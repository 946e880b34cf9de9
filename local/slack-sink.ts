import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { portOf } from './loopback.ts';

const path = '/services/T00000000/B00000000/local';
const maximumBodyBytes = 256 * 1024;
const keptPosts = 50;

const plainText = z.strictObject({
  type: z.literal('plain_text'),
  text: z.string().min(1).max(150),
  emoji: z.boolean().optional(),
});
const markdown = (maximumCharacters: number) =>
  z.strictObject({
    type: z.literal('mrkdwn'),
    text: z.string().min(1).max(maximumCharacters),
    verbatim: z.boolean().optional(),
  });
const block = z.union([
  z.strictObject({ type: z.literal('header'), text: plainText }),
  z.strictObject({ type: z.literal('section'), text: markdown(3000) }),
  z.strictObject({ type: z.literal('section'), fields: z.array(markdown(2000)).min(1).max(10) }),
  z.strictObject({ type: z.literal('context'), elements: z.array(markdown(3000)).min(1).max(10) }),
  z.strictObject({ type: z.literal('divider') }),
]);
const message = z.object({ text: z.string().min(1), blocks: z.array(block).min(1).max(50) });

export type SlackPost = z.output<typeof message>;

export interface SlackSink {
  /** Takes the place of an incoming webhook's URL. */
  readonly url: string;
  /** The posts taken, the newest last; at most 50. */
  readonly posts: readonly SlackPost[];
  stop(): Promise<void>;
}

/** Stands in for Slack on loopback: answers as a webhook does and refuses blocks that Slack would refuse. */
export async function startSlackSink(): Promise<SlackSink> {
  const posts: SlackPost[] = [];
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    receive(request).then(
      (verdict) => {
        if (verdict.post) posts.push(verdict.post);
        posts.splice(0, posts.length - keptPosts);
        answer(response, verdict);
      },
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${portOf(server)}${path}`,
    posts,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface Verdict {
  readonly status: number;
  /** Slack's word for it. */
  readonly word: string;
  readonly post?: SlackPost;
}

async function receive(request: IncomingMessage): Promise<Verdict> {
  const text = await readText(request);
  if (request.url !== path) return { status: 404, word: 'no_team' };
  if (request.method !== 'POST') return { status: 405, word: 'method_not_allowed' };
  if (text === undefined) return { status: 413, word: 'payload_too_large' };
  const parsed = message.safeParse(parseJson(text));
  if (parsed.success) return { status: 200, word: 'ok', post: parsed.data };
  const inBlocks = parsed.error.issues.every((issue) => issue.path[0] === 'blocks');
  return { status: 400, word: inBlocks ? 'invalid_blocks' : 'invalid_payload' };
}

/** The body, or undefined where it is too long; read to its end, so that the answer can be sent. */
async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= maximumBodyBytes) chunks.push(chunk);
  }
  return bytes <= maximumBodyBytes ? Buffer.concat(chunks).toString('utf8') : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function answer(response: ServerResponse, { status, word }: Verdict): void {
  response.writeHead(status, { 'content-type': 'text/plain' });
  response.end(word);
}

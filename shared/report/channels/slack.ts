import { type FetchFunction, IncomingWebhook, IncomingWebhookHTTPError } from '@slack/webhook';
import { Failure } from '../../runtime/errors.ts';
import type { ReportChannel } from './channel.ts';
import { buildSlackMessage } from './slack-blocks.ts';

const timeoutMillis = 10_000;
const maximumAnswerBytes = 16 * 1024;
/** Slack takes about one message a second per webhook; without a Retry-After we stay well off. */
const defaultRetryAfterSeconds = 30;

/**
 * Posts to an incoming webhook, whose URL is a secret and never part of a message. Failures:
 * `slack-unavailable` (retry), `slack-rate-limited` (retry after), `slack-refused` (give up), and
 * `slack-webhook-invalid` (give up) for a URL that is neither https nor on this machine's loopback.
 */
export function slackChannel(webhookUrl: string): ReportChannel {
  return {
    name: 'slack',
    async report(message, signal) {
      assertWebhookUrl(webhookUrl);
      const exchange: Exchange = {};
      const fetch = recordingFetch(exchange, signal);
      const webhook = new IncomingWebhook(webhookUrl, { fetch, timeout: timeoutMillis });
      const { text, blocks } = buildSlackMessage(message);
      try {
        await webhook.send({ text, blocks: [...blocks] });
      } catch (error) {
        throw translate(error, exchange);
      }
    },
  };
}

function assertWebhookUrl(webhookUrl: string): void {
  const url = URL.parse(webhookUrl);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && url.hostname === '127.0.0.1')) return;
  throw new Failure({
    code: 'slack-webhook-invalid',
    disposition: 'give-up',
    message: 'the Slack webhook is not an https URL; copy it from the Slack app’s Incoming Webhooks page',
  });
}

/** What the library's errors leave out. */
interface Exchange {
  retryAfterSeconds?: number;
}

/** fetch that obeys the caller's signal, notes Retry-After and reads a little of the answer only. */
const recordingFetch =
  (exchange: Exchange, signal: AbortSignal): FetchFunction =>
  async (url, init) => {
    const signals = init?.signal ? [signal, init.signal] : [signal];
    const answer = await fetch(url, { ...init, signal: AbortSignal.any(signals) });
    const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
    if (seconds >= 0) exchange.retryAfterSeconds = Math.ceil(seconds);
    return new Response(await readStart(answer), { status: answer.status, statusText: answer.statusText });
  };

async function readStart(answer: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maximumAnswerBytes) break;
  }
  // A Response with a status such as 204 takes no body, not even an empty one.
  return bytes === 0 ? null : Buffer.concat(chunks).subarray(0, maximumAnswerBytes);
}

function translate(error: unknown, exchange: Exchange): Failure {
  if (!(error instanceof IncomingWebhookHTTPError)) {
    // No cause: what fetch throws may hold the URL.
    const reason =
      error instanceof Error && /timeout/i.test(error.message) ? 'no answer in time' : 'no connection';
    return new Failure({
      code: 'slack-unavailable',
      disposition: 'retry',
      message: `the Slack webhook gave no answer (${reason}); check that the network lets it be reached`,
    });
  }
  const status = error.statusCode;
  if (status === 429) {
    return new Failure({
      code: 'slack-rate-limited',
      disposition: 'retry-after',
      retryAfterSeconds: exchange.retryAfterSeconds ?? defaultRetryAfterSeconds,
      message: 'the Slack webhook takes no more messages for now (status 429)',
    });
  }
  const refused = status < 500;
  const said = error.body.replace(/[^\w .-]/g, ' ').slice(0, 100);
  return new Failure({
    code: refused ? 'slack-refused' : 'slack-unavailable',
    disposition: refused ? 'give-up' : 'retry',
    message: `the Slack webhook answered status ${status} (${said})${refused ? '; renew it in the Slack app' : ''}`,
  });
}

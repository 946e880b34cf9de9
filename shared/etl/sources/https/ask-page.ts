import type { Clock } from '../../../runtime/clock.ts';
import { Failure } from '../../../runtime/errors.ts';
import type { Random } from '../../../runtime/random.ts';
import type { Authorizer } from './authorizer.ts';
import type { HttpsAnswer, HttpsClient } from './client.https.ts';
import { judgeStatus } from './judge-status.ts';

export interface PagePorts {
  readonly client: HttpsClient;
  readonly authorizer: Authorizer;
  /** Of every request, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly random: Random;
}

/** Shorter pauses are waited out, longer ones are for the ledger to wait. */
const longestWaitSeconds = 10;
const mostWaits = 3;

/**
 * Asks for one page until it is there: waits out short throttles, a few times, and exchanges the token once after a
 * 401.
 * @returns an answer with rows (200), or without any (204)
 * @throws Failure those of `judgeStatus`, of the client and of the token
 */
export async function askPage(url: URL, signal: AbortSignal, ports: PagePorts): Promise<HttpsAnswer> {
  let waits = 0;
  let isRenewed = false;
  for (;;) {
    const headers = { ...ports.headers, ...(await ports.authorizer.headers(signal)) };
    const answer = await ports.client.send({ method: 'GET', url, headers, signal });
    const failure = judgeStatus(answer, url.origin + url.pathname, ports.clock.now());
    if (!failure) return accepted(answer, url);
    answer.discard();
    if (answer.status === 401 && !isRenewed && ports.authorizer.renew()) {
      isRenewed = true;
      continue;
    }
    const { retryAfterSeconds } = failure;
    if (retryAfterSeconds === undefined || retryAfterSeconds > longestWaitSeconds || waits === mostWaits)
      throw failure;
    waits += 1;
    await ports.clock.sleep(retryAfterSeconds * 1000 + Math.round(ports.random() * 500), signal);
  }
}

/** A page for people (a login, an error behind a 200) would come out as hundreds of unreadable rows. */
function accepted(answer: HttpsAnswer, url: URL): HttpsAnswer {
  if (!/^\s*text\/html\b/i.test(answer.headers['content-type'] ?? '')) return answer;
  answer.discard();
  throw new Failure({
    code: 'source-answer-type',
    disposition: 'give-up',
    message: `${url.origin}${url.pathname} answered a web page instead of rows; correct the source's URL and auth`,
  });
}

import { Failure } from '../../../runtime/errors.ts';
import { parseRetryAfter } from './retry-after.ts';

/** The heads of an answer that decide about it; names in lower case. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** What is used where a server that throttles names no time. */
const usualThrottleSeconds = 30;

/**
 * The failure that a status means, undefined for 200 and 204. `place` is a URL without its query. Codes:
 * `source-throttled` (retry-after: 429, and 503 with Retry-After), `source-unavailable` (retry: other 5xx, 408, 425),
 * and as give-up `source-redirected` (redirects are not followed: nobody checked where they lead),
 * `source-unauthorized` (401, 403), `source-missing` (404, 410), `source-refused` (all else).
 */
export function judgeStatus({ status, headers }: AnswerHead, place: string, now: Date): Failure | undefined {
  if (status === 200 || status === 204) return undefined;
  const fail = (code: string, disposition: 'retry' | 'give-up', remedy: string) =>
    new Failure({ code, disposition, message: `${place} answered ${status}; ${remedy}` });
  const asked = parseRetryAfter(headers['retry-after'], now);
  if (status === 429 || (status === 503 && asked !== undefined)) {
    const retryAfterSeconds = asked ?? usualThrottleSeconds;
    return new Failure({
      code: 'source-throttled',
      disposition: 'retry-after',
      message: `${place} answered ${status} and asks for ${retryAfterSeconds} s of patience`,
      retryAfterSeconds,
    });
  }
  if (status >= 500 || status === 408 || status === 425) {
    return fail('source-unavailable', 'retry', 'the request is repeated later');
  }
  if (status === 304) return fail('source-refused', 'give-up', 'it was asked for the rows themselves');
  if (status >= 300 && status < 400) {
    return fail(
      'source-redirected',
      'give-up',
      'redirects are not followed; put the final URL into the definition',
    );
  }
  if (status === 401 || status === 403) {
    return fail('source-unauthorized', 'give-up', "correct the source's auth and what its secret may read");
  }
  if (status === 404 || status === 410) return fail('source-missing', 'give-up', "correct the source's URL");
  return fail('source-refused', 'give-up', "correct the request by the source's documentation");
}

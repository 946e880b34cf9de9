import { z } from 'zod';
import { type Clock, secondsAfter } from '../../../runtime/clock.ts';
import { Failure } from '../../../runtime/errors.ts';
import type { HttpsAnswer, HttpsClient } from './client.https.ts';
import type { HttpsDefinition } from './pagination.ts';
import { parseRetryAfter } from './retry-after.ts';

export type OauthDefinition = Extract<
  NonNullable<HttpsDefinition['auth']>,
  { type: 'oauth-client-credentials' }
>;

export interface AccessToken {
  readonly text: string;
  /** It is exchanged from then on, which is some time before the server forgets it. */
  readonly renewAt: Date;
}

const mostBodyBytes = 64 * 1024;
/** RFC 6749 section 5.1 lets servers leave the lifetime out. */
const usualLifetimeSeconds = 300;

const answerSchema = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,8192}$/),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.coerce.number().positive().max(31_536_000).default(usualLifetimeSeconds),
});

/**
 * A token by the client credentials grant (RFC 6749 section 4.4), the client being named by HTTP Basic as every
 * server must understand (section 2.3.1). Codes: `token-throttled` (retry-after), `token-unavailable` (retry),
 * `token-refused`, `token-answer-invalid` (give-up); the answer's body is quoted in none.
 */
export async function requestToken(
  auth: OauthDefinition,
  {
    client,
    secret,
    clock,
    signal,
  }: { client: HttpsClient; secret: string; clock: Clock; signal: AbortSignal },
): Promise<AccessToken> {
  const url = new URL(auth.tokenUrl);
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (auth.scope !== undefined) form.set('scope', auth.scope);
  const body = form.toString();
  const pair = `${formEncode(auth.clientId)}:${formEncode(secret)}`;
  const answer = await client.send({
    method: 'POST',
    url,
    body,
    signal,
    headers: {
      accept: 'application/json',
      authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(Buffer.byteLength(body)),
    },
  });
  const place = `the token endpoint ${url.origin}${url.pathname}`;
  if (answer.status !== 200) {
    answer.discard();
    throw refusal(answer, place, clock.now());
  }
  const result = answerSchema.safeParse(await readJson(answer.body));
  if (!result.success) {
    const message = `${place} answered no bearer token as RFC 6749 section 5.1 has it; check tokenUrl`;
    throw new Failure({ code: 'token-answer-invalid', disposition: 'give-up', message });
  }
  const { access_token: text, expires_in: seconds } = result.data;
  return { text, renewAt: secondsAfter(clock.now(), seconds - Math.min(60, seconds / 10)) };
}

/** RFC 6749 section 2.3.1 has both parts encoded as a form's, then joined. */
const formEncode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);

function refusal({ status, headers }: HttpsAnswer, place: string, now: Date): Failure {
  const retryAfterSeconds = parseRetryAfter(headers['retry-after'], now);
  if (status === 429 || (status === 503 && retryAfterSeconds !== undefined)) {
    return new Failure({
      code: 'token-throttled',
      disposition: 'retry-after',
      message: `${place} answered ${status}`,
      retryAfterSeconds: retryAfterSeconds ?? 30,
    });
  }
  if (status >= 500) {
    return new Failure({
      code: 'token-unavailable',
      disposition: 'retry',
      message: `${place} answered ${status}`,
    });
  }
  const message = `${place} answered ${status}; correct clientId, its secret and the scope`;
  return new Failure({ code: 'token-refused', disposition: 'give-up', message });
}

async function readJson(body: AsyncIterable<Uint8Array>): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > mostBodyBytes) return undefined;
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'));
  } catch {
    return undefined;
  }
}

import type { Clock } from '../runtime/clock.ts';
import { Failure } from '../runtime/errors.ts';
import { answerExpiry } from './answer-lifetime.ts';
import type { AnswerStore } from './answers.ts';
import type { ChallengePresenter } from './challenge.ts';

export const httpChallengePrefix = '/.well-known/acme-challenge/';

/** RFC 8555, 8.1: base64url without padding. The bound keeps strangers' paths out of store keys. */
const tokenShape = /^[A-Za-z0-9_-]{1,512}$/;

const answerKeyOf = (token: string) => `http-01#${token}`;

/** Puts http-01 answers where `answerHttpChallenge` finds them. */
export function createHttp01Presenter(options: { answers: AnswerStore; clock: Clock }): ChallengePresenter {
  return {
    async present({ token, domain, keyAuthorization }) {
      if (!tokenShape.test(token)) throw invalidToken(domain);
      const expiresAt = answerExpiry(options.clock);
      await options.answers.put({ answerKey: answerKeyOf(token), keyAuthorization, expiresAt });
    },
    // Every reader asks the table itself, consistently.
    findObstacle: async () => undefined,
    async withdraw({ token, keyAuthorization }) {
      await options.answers.remove({ answerKey: answerKeyOf(token), keyAuthorization });
    },
  };
}

const invalidToken = (domain: string) =>
  new Failure({
    code: 'challenge-token-invalid',
    disposition: 'give-up',
    message: `the CA sent an http-01 token for ${domain} that is not base64url (RFC 8555, 8.1)`,
  });

export type HttpAnswer =
  | { readonly outcome: 'found'; readonly keyAuthorization: string }
  | { readonly outcome: 'not-found' };

/** What to say to a GET of `path`; a path that is no challenge, or one with an odd token, never reaches `store`. */
export async function answerHttpChallenge(
  path: string,
  store: Pick<AnswerStore, 'get'>,
): Promise<HttpAnswer> {
  const token = path.startsWith(httpChallengePrefix) ? path.slice(httpChallengePrefix.length) : '';
  if (!tokenShape.test(token)) return { outcome: 'not-found' };
  const answer = await store.get(answerKeyOf(token));
  return answer ? { outcome: 'found', keyAuthorization: answer.keyAuthorization } : { outcome: 'not-found' };
}

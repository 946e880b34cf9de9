import type { Clock } from '../runtime/clock.ts';
import { answerExpiry } from './answer-lifetime.ts';
import type { AnswerStore } from './answers.ts';
import type { ChallengePresenter } from './challenge.ts';

/** The protocol a validating CA asks for (RFC 8737, 6.2). */
export const acmeTlsProtocol = 'acme-tls/1';

/** Where a TLS terminator finds the answer for a server name. */
export const alpnAnswerKey = (domain: string): string => `tls-alpn-01#${domain.toLowerCase()}`;

/**
 * Puts tls-alpn-01 answers where TLS terminators find them. A handshake names a domain and no token, so of two
 * proofs for one domain the later stands; whoever lost it retries.
 */
export function createTlsAlpn01Presenter(options: {
  answers: AnswerStore;
  clock: Clock;
}): ChallengePresenter {
  return {
    async present({ domain, keyAuthorization }) {
      const expiresAt = answerExpiry(options.clock);
      await options.answers.put({ answerKey: alpnAnswerKey(domain), keyAuthorization, expiresAt });
    },
    // Every reader asks the table itself, consistently.
    findObstacle: async () => undefined,
    async withdraw({ domain, keyAuthorization }) {
      await options.answers.remove({ answerKey: alpnAnswerKey(domain), keyAuthorization });
    },
  };
}

import { createSecureContext, type SecureContext } from 'node:tls';
import type { AnswerStore } from '../../shared/challenges/answers.ts';
import { alpnAnswerKey } from '../../shared/challenges/tls-alpn-01.ts';
import { createAlpnCertificate } from '../../shared/challenges/tls-alpn-certificate.ts';
import type { Clock } from '../../shared/runtime/clock.ts';

const maxKept = 500;

/**
 * Finds what to show to an `acme-tls/1` handshake for a server name: undefined while no answer is on show.
 * Several perspectives of a CA ask for the same answer, so certificates are kept.
 */
export function createChallengeContexts(options: { answers: Pick<AnswerStore, 'get'>; clock: Clock }) {
  const kept = new Map<string, Promise<SecureContext>>();
  return async (serverName: string): Promise<SecureContext | undefined> => {
    const answer = await options.answers.get(alpnAnswerKey(serverName));
    if (!answer) return undefined;
    const id = `${serverName} ${answer.keyAuthorization}`;
    const context = kept.get(id) ?? createContext(serverName, answer.keyAuthorization, options.clock.now());
    kept.set(id, context);
    const oldest = kept.keys().next();
    if (kept.size > maxKept && !oldest.done) kept.delete(oldest.value);
    return context;
  };
}

async function createContext(domain: string, keyAuthorization: string, now: Date): Promise<SecureContext> {
  const { certPem, keyPem } = await createAlpnCertificate(domain, keyAuthorization, now);
  return createSecureContext({ cert: certPem, key: keyPem, minVersion: 'TLSv1.2' });
}

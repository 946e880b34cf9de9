import { Failure } from '../../runtime/errors.ts';
import type { TlsPeer } from './tls-peer.ts';
import { alertOf, type HandshakeTrouble, troubleOfAlert, troubleOfCode } from './tls-trouble.ts';

/**
 * What a foreign error says about the connection to a peer, `undefined` if nothing. Certificates and terms that no
 * repetition changes are `give-up`; `peer-unreachable`, `peer-timeout`, `peer-reset`, `tls-failed` and
 * `peer-not-checked` are `retry`. Quotes nothing of the error.
 *
 * With TLS 1.3 the peer's refusal of a client certificate arrives after the handshake, at the first read.
 */
export function tlsFailure(
  error: unknown,
  peer: Pick<TlsPeer, 'host' | 'port'> & Partial<Pick<TlsPeer, 'client'>>,
): Failure | undefined {
  for (const each of errorAndCauses(error)) {
    if (each instanceof Failure && each.code === 'peer-not-checked') return each;
    const trouble = troubleOf(each, peer.client === undefined);
    if (trouble) {
      const { disposition, says } = sentences[trouble];
      const message = `${peer.host}:${peer.port} ${says}`;
      return new Failure({ code: trouble, disposition, message });
    }
  }
  return undefined;
}

function troubleOf(error: unknown, withoutClient: boolean): HandshakeTrouble | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? String(error.code) : error.name;
  const alert = alertOf(code, error.message);
  if (alert !== undefined) return troubleOfAlert(alert, { clientCertificate: !withoutClient });
  return troubleOfCode(code, error.message);
}

/** fetch and happy eyeballs wrap what happened. */
function errorAndCauses(error: unknown): unknown[] {
  const found: unknown[] = [];
  let next = [error];
  for (let depth = 0; depth < 4 && next.length > 0; depth += 1) {
    found.push(...next);
    next = next.flatMap((each) => [
      ...(each instanceof AggregateError ? each.errors : []),
      ...(each instanceof Error && each.cause !== undefined ? [each.cause] : []),
    ]);
  }
  return found;
}

interface Sentence {
  readonly disposition: 'give-up' | 'retry';
  readonly says: string;
}
const giveUp = (says: string): Sentence => ({ disposition: 'give-up', says });
const retry = (says: string): Sentence => ({ disposition: 'retry', says });

const sentences: Readonly<Record<HandshakeTrouble, Sentence>> = {
  'certificate-expired': giveUp('shows a certificate that has expired; its owner must renew it'),
  'certificate-not-yet-valid': giveUp('shows a certificate that is not valid yet; check the clocks'),
  'certificate-wrong-host': giveUp('shows a certificate for another name; correct the host in the pipeline'),
  'certificate-self-signed': giveUp(
    'shows a self-signed certificate; put a CA that issues it into the secret that `caSecret` names',
  ),
  'certificate-untrusted': giveUp(
    'shows a certificate whose issuer is not trusted, or leaves out an intermediate; put its root into `caSecret`',
  ),
  'certificate-revoked': giveUp('shows a certificate that has been revoked; its owner must replace it'),
  'certificate-weak-key': giveUp(
    'shows a certificate with a weak key or signature; 2,048 bits of RSA or P-256, and SHA-256, are the least',
  ),
  'tls-too-old': giveUp('speaks no TLS newer than 1.1; it must offer 1.2 or 1.3'),
  'client-certificate-required': giveUp(
    'asks for a client certificate, or agrees to no cipher; name a `clientCertificate` in the pipeline',
  ),
  'client-certificate-refused': giveUp(
    'refuses the client certificate; it must trust its CA, and the certificate must be for clients',
  ),
  'tls-failed': retry('and this end agreed on no TLS connection; check that it speaks TLS on this port'),
  'peer-unreachable': retry('cannot be reached; check the host, the port and the network between'),
  'peer-timeout': retry('did not answer in time'),
  'peer-reset': retry('hung up'),
};

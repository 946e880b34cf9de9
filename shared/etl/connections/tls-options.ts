import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { Failure } from '../../runtime/errors.ts';
import type { TlsPeer } from './tls-peer.ts';

/**
 * How to shake hands with a peer: TLS 1.2 at least, its roots alone if it names any, a certificate for its name,
 * and a leaf that was checked (otherwise the connection ends with the Failure `peer-not-checked`). Fresh on each
 * call, since pg changes what it is given. Where the connection goes is not in it: see `addressOf`.
 *
 * Node does not check the certificate of a resumed session again, so an agent belongs to one TlsPeer: give each a
 * new `https.Agent`.
 */
export function tlsOptionsFor(peer: TlsPeer): ConnectionOptions {
  return {
    minVersion: 'TLSv1.2',
    // Said aloud, or NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would send credentials to anybody.
    rejectUnauthorized: true,
    // RFC 6066, 3: literal addresses are not permitted in SNI.
    servername: isIP(peer.host) === 0 ? peer.host : '',
    ...(peer.roots === undefined ? {} : { ca: peer.roots }),
    ...(peer.client && { cert: peer.client.certificatePem, key: peer.client.privateKeyPem }),
    // The name Node hands over is the one connected to, which is another one where `connectTo` is set.
    checkServerIdentity: (_connectedTo, certificate) =>
      checkServerIdentity(peer.host, certificate) ?? checkFingerprint(peer, certificate.fingerprint256),
  };
}

/** Where the bytes go. */
export const addressOf = (peer: TlsPeer): { readonly host: string; readonly port: number } =>
  peer.connectTo ?? { host: peer.host, port: peer.port };

function checkFingerprint(peer: TlsPeer, shown: string): Failure | undefined {
  if (peer.fingerprints.includes(shown.replaceAll(':', '').toLowerCase())) return undefined;
  return new Failure({
    code: 'peer-not-checked',
    // It may have been renewed since; whoever tries again checks first.
    disposition: 'retry',
    message: `${peer.host}:${peer.port} shows a certificate that was not checked before this run; the next try checks it`,
  });
}

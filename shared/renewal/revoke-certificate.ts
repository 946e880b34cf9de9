import { type RevocationReason, revokeCertificate as revokeAtCa } from '../acme/revocation.ts';
import type { CertificateStore } from '../certificates/store.ts';
import type { KeyVault } from '../certificates/vault.ts';
import { Failure } from '../runtime/errors.ts';
import type { Authorities } from './authorities.ts';

export interface RevocationOrder {
  readonly name: string;
  readonly reason: RevocationReason;
  readonly pair: 'current' | 'previous';
}

export interface RevocationPorts {
  readonly certificates: Pick<CertificateStore, 'get'>;
  readonly vault: Pick<KeyVault, 'readCurrent' | 'readPrevious'>;
  readonly authorities: Authorities;
}

/**
 * Revokes a pair of a certificate at the CA that issued it. A compromised key signs for itself, which
 * makes CAs refuse that key from then on; everything else is signed by the account.
 * @throws Failure `certificate-unknown`, `pair-missing`, and the CA's refusal
 */
export async function revokeCertificate(
  { name, reason, pair }: RevocationOrder,
  { certificates, vault, authorities }: RevocationPorts,
  signal: AbortSignal,
): Promise<{ readonly result: 'revoked' | 'already-revoked'; readonly directoryUrl: string }> {
  const certificate = await certificates.get(name);
  if (!certificate) throw missing('certificate-unknown', `${name} is not in the certificates table`);
  const held = pair === 'current' ? await vault.readCurrent(name) : await vault.readPrevious(name);
  if (!held) throw missing('pair-missing', `the vault holds no ${pair} pair of ${name}`);
  const directoryUrl =
    held.directoryUrl ??
    certificate.current?.issuedBy?.directoryUrl ??
    authorities.preferred[0]?.directoryUrl;
  if (!directoryUrl) throw missing('unknown-authority', `no CA is known that could have issued ${name}`);
  const connection = await authorities.connect(directoryUrl, signal);
  const { fullchainPem: certificatePem, privateKeyPem } = held;
  const certificateKeyPem = reason === 'key-compromise' ? privateKeyPem : undefined;
  const result = await revokeAtCa(connection.session(signal), { certificatePem, reason, certificateKeyPem });
  return { result, directoryUrl };
}

const missing = (code: string, what: string) =>
  new Failure({ code, disposition: 'give-up', message: `${what}; nothing was revoked` });

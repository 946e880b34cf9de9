import { X509Certificate } from 'node:crypto';
import { type AccountSigner, createPemSigner } from './account-key.ts';
import type { AcmeSession } from './connection.ts';
import { AcmeFailure } from './problem.ts';

/** Why a certificate is revoked: the reasons a subscriber may give (RFC 5280, 5.3.1; BR 4.9.1.1). */
export const revocationReasons = {
  unspecified: 0,
  'key-compromise': 1,
  'affiliation-changed': 3,
  superseded: 4,
  'cessation-of-operation': 5,
  'privilege-withdrawn': 9,
} as const;

export type RevocationReason = keyof typeof revocationReasons;

export interface RevocationRequest {
  /** PEM; of a chain, its leaf. */
  readonly certificatePem: string;
  readonly reason: RevocationReason;
  /**
   * The certificate's own key (PEM), which signs instead of the account: for certificates of other accounts, and
   * as proof of a compromised key.
   */
  readonly certificateKeyPem?: string | undefined;
}

/** Revokes a certificate (RFC 8555, 7.6). That it was revoked before is as good. */
export async function revokeCertificate(
  session: AcmeSession,
  { certificatePem, reason, certificateKeyPem }: RevocationRequest,
): Promise<'revoked' | 'already-revoked'> {
  const certificate = new X509Certificate(certificatePem).raw.toString('base64url');
  const code = revocationReasons[reason];
  // "unspecified" is said by saying nothing (BR 7.2.2).
  const payload = { certificate, ...(code === 0 ? {} : { reason: code }) };
  const signing: { signer?: AccountSigner } = certificateKeyPem
    ? { signer: createPemSigner(certificateKeyPem) }
    : {};
  try {
    await session.api.apiRequest(await session.resourceUrl('revokeCert'), payload, [200], signing);
    return 'revoked';
  } catch (error) {
    if (error instanceof AcmeFailure && error.problem.type === 'alreadyRevoked') return 'already-revoked';
    throw error;
  }
}

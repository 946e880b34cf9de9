import type { IssuanceAct } from './faults.ts';
import type { PublicJwk } from './jwk.ts';
import type { ProblemDocument } from './problem.ts';

export interface AccountRecord {
  readonly id: string;
  readonly jwk: PublicJwk;
  readonly thumbprint: string;
  readonly status: 'valid' | 'deactivated';
  readonly contact: readonly string[];
  readonly externalAccountKid?: string;
}

/** `ready` and expiry follow from the authorizations and the clock and are never stored. */
export interface OrderRecord {
  readonly id: string;
  readonly accountId: string;
  readonly status: 'pending' | 'processing' | 'valid' | 'invalid';
  /** Sorted, lower case; wildcards as `*.example.com`, addresses in their canonical form. */
  readonly names: readonly string[];
  /** As asked for; absent when the order named none. */
  readonly profile?: string;
  /** The certificate identifier (RFC 9773, 4.1) as asked for, and the serial in it. */
  readonly replaces?: string;
  readonly replacesSerial?: string;
  readonly authorizationIds: readonly string[];
  readonly expiresAt: string;
  /** Set from `processing` on: the key to certify (SubjectPublicKeyInfo, base64url), and when issuance is due. */
  readonly publicKey?: string;
  readonly publicKeyFingerprint?: string;
  readonly issuanceDueAt?: string;
  /** What is to go wrong with this issuance. */
  readonly fault?: IssuanceAct;
  readonly certificateId?: string;
  readonly error?: ProblemDocument;
}

export interface ChallengeRecord {
  readonly type: 'http-01' | 'dns-01' | 'tls-alpn-01';
  readonly token: string;
  readonly status: 'pending' | 'processing' | 'valid' | 'invalid';
  readonly validatedAt?: string;
  readonly error?: ProblemDocument;
}

export interface AuthorizationRecord {
  readonly id: string;
  readonly accountId: string;
  /** Without `*.` (RFC 8555, 7.1.4); or an IP address. */
  readonly domain: string;
  readonly wildcard: boolean;
  /** That of the order it was made for. */
  readonly profile?: string;
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated';
  readonly expiresAt: string;
  readonly challenges: readonly ChallengeRecord[];
}

export interface CertificateRecord {
  /** The serial in lower-case hexadecimal. */
  readonly id: string;
  readonly accountId: string;
  readonly orderId: string;
  readonly names: readonly string[];
  /** Leaf, then intermediate. */
  readonly chainPem: string;
  readonly issuedAt: string;
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal. */
  readonly publicKeyFingerprint: string;
  readonly revokedAt?: string;
  readonly revocationReason?: number;
}

/** An account's failures to prove one identifier. */
export interface PauseRecord {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  /** Since the last success. */
  readonly failures: number;
  readonly pausedAt?: string;
}

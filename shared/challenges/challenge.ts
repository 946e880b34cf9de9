import type { ChallengeType } from '../certificates/certificate.ts';

/** A challenge whose proof is, or is about to be, shown to the CA. Kept in the renewal until withdrawn. */
export interface PresentedChallenge {
  readonly type: ChallengeType;
  /** The identifier without `*.` (RFC 8555, 7.1.4). */
  readonly domain: string;
  readonly token: string;
  /** `token.thumbprint` (RFC 8555, 8.1); dns-01 and tls-alpn-01 derive their digest from it. */
  readonly keyAuthorization: string;
  /** The registry name of the DNS provider; dns-01 only. */
  readonly dnsPlugin?: string | undefined;
}

/** Shows proofs to the CA. Every verb is idempotent; failures are typed (`challenge-…`). */
export interface ChallengePresenter {
  present(challenge: PresentedChallenge, signal: AbortSignal): Promise<void>;
  /** Looks once, without waiting: why a validation started now would miss the proof, or undefined if it would not. */
  findObstacle(challenge: PresentedChallenge, signal: AbortSignal): Promise<string | undefined>;
  /** Removes this proof alone, by its value; others under the same name stay (wildcard and apex share one). */
  withdraw(challenge: PresentedChallenge, signal: AbortSignal): Promise<void>;
}

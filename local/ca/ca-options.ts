import type { Clock } from '../../shared/runtime/clock.ts';
import type { Random } from '../../shared/runtime/random.ts';
import type { CaLimits } from './limits.ts';
import type { ValidationPorts } from './validation/proof.ts';

export interface AcmeCaOptions extends ValidationPorts {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Share of good nonces refused, 0..1; 0.05 when absent. */
  readonly badNonceRate?: number;
  /** Valid authorizations serve later orders of the same account; true when absent. */
  readonly authorizationReuse?: boolean;
  /** How long an order is `processing`; 200 when absent, 0 issues within the finalize request. */
  readonly finalizeMillis?: number;
  /** MAC keys (base64url) by key id; when given, new accounts need an external binding. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
  /** Of orders that name no profile, or `classic`; 90 days when absent. */
  readonly validitySeconds?: number;
  /** Keeps keys, accounts, orders and certificates, so that a later process goes on; memory alone when absent. */
  readonly dataDir?: string;
  /** None when absent; `letsEncryptLimits` are those of Let's Encrypt. What was spent dies with the process. */
  readonly limits?: CaLimits;
  /** Whether the CA offers `classic`, `tlsserver` and `shortlived`; true when absent. */
  readonly profiles?: boolean;
  /** Whether the CA has renewal information (RFC 9773); true when absent. */
  readonly renewalInfo?: boolean;
  /** When to ask for renewal information again; six hours when absent. */
  readonly renewalInfoRetryAfterSeconds?: number;
  /** Orders are born ready, with nothing to prove, as with AWS ACM's ACME endpoint; false when absent. */
  readonly preauthorized?: boolean;
  /** Other roots, each with a chain that certificates are offered under too; 0 when absent. */
  readonly alternateRoots?: number;
}

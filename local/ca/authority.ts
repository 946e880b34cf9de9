import { randomBytes } from 'node:crypto';
import type { Clock } from '../../shared/runtime/clock.ts';
import type { Random } from '../../shared/runtime/random.ts';
import type { BackgroundTasks } from './background.ts';
import type { Faults } from './faults.ts';
import type { AlternateRoot } from './hierarchy.ts';
import type { Issuer } from './issuance.ts';
import type { Ledger } from './ledger.ts';
import type { LimitBook } from './limits.ts';
import type { Nonces } from './nonces.ts';
import type { Profiles } from './profiles.ts';
import type { ChallengeRecord } from './records.ts';
import type { RenewalInfoBook } from './renewal-windows.ts';
import type { Store } from './store.ts';
import type { Urls } from './urls.ts';
import type { ValidationPorts } from './validation/proof.ts';

/** A validation that an earlier process began and did not end. */
export interface InterruptedValidation {
  readonly authorizationId: string;
  readonly challenge: ChallengeRecord;
}

/** What every resource of the CA works with. */
export interface Authority {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly urls: Urls;
  readonly nonces: Nonces;
  readonly ledger: Ledger;
  readonly issuer: Issuer;
  readonly alternates: readonly AlternateRoot[];
  readonly background: BackgroundTasks;
  /** By account id, until the account comes back. */
  readonly interrupted: Map<string, InterruptedValidation[]>;
  readonly validation: ValidationPorts;
  /** Valid authorizations serve later orders of the same account. */
  readonly authorizationReuse: boolean;
  readonly finalizeMillis: number;
  /** Orders are born ready, with nothing to prove. */
  readonly preauthorized: boolean;
  readonly profiles: Profiles;
  readonly limitBook: LimitBook;
  /** Undefined where the CA has no renewal information. */
  readonly renewalInfo: RenewalInfoBook | undefined;
  readonly faults: Faults;
  /** MAC keys by key id; undefined when accounts need no external binding. */
  readonly externalAccounts: Readonly<Record<string, string>> | undefined;
}

/** What a resource answers; the server adds nonce and index link. */
export interface AcmeReply {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: { readonly type: string; readonly body: string };
  readonly headers?: Readonly<Record<string, string>>;
  /** Link header values beside the index. */
  readonly links?: readonly string[];
  readonly replayNonce?: 'withheld';
  /** How the answer fares on its way, when not well. */
  readonly transport?: 'dropped' | 'truncated' | 'withheld';
}

/** An id nobody can guess, safe in a URL. */
export const newId = (): string => randomBytes(12).toString('base64url');

/** RFC 3339 in whole seconds, as ACME objects print instants. */
export const printInstant = (instant: Date): string => instant.toISOString().replace(/\.\d+Z$/, 'Z');

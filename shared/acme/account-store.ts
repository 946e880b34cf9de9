import type { AccountKey } from './account-key.ts';
import type { ExternalAccount } from './external-account.ts';

/** An account's key and, once registered, its URL. */
export interface AcmeAccount extends AccountKey {
  readonly accountUrl?: string | undefined;
  /** A key the account is being changed to; which of the two the CA knows is open until it is asked. */
  readonly pendingKey?: AccountKey | undefined;
  /** How many new keys the CA has refused. */
  readonly refusedKeys?: number | undefined;
  /** Deactivated accounts stay stored, so that no new one takes their place unasked. */
  readonly status?: 'deactivated' | undefined;
}

/** Keeps one account per directory URL. Failures: `vault-unavailable`. */
export interface AccountStore {
  read(directoryUrl: string): Promise<AcmeAccount | undefined>;
  /** Keeps the first key ever offered and answers the one stored, so that workers share an account. */
  create(directoryUrl: string, account: AcmeAccount): Promise<AcmeAccount>;
  /** Replaces what is stored. */
  save(directoryUrl: string, account: AcmeAccount): Promise<void>;
  /**
   * Keeps the first key offered to change `account` to, and answers what is stored: two who roll over at once
   * use the same new key, and neither is lost. Without `pendingKey` where another change has been completed since
   * `account` was read.
   */
  offerKey(directoryUrl: string, account: AcmeAccount, newKey: AccountKey): Promise<AcmeAccount>;
  /** Credentials for external account binding (RFC 8555, 7.3.4), put there by a person. */
  readExternalAccount(directoryUrl: string): Promise<ExternalAccount | undefined>;
}

import { createHash } from 'node:crypto';

/** What a data key is for; bound to it by the key service, so that it opens for nothing else. */
export interface DataKeyPurpose {
  readonly pipeline: string;
  readonly table: string;
  readonly runId: string;
}

/** A data key under its master key. Safe to store beside the data; useless without the key service. */
export interface WrappedDataKey {
  /** Names the key in every cell it sealed; derived from `wrapped`. */
  readonly keyId: string;
  /** Base64. */
  readonly wrapped: string;
  readonly purpose: DataKeyPurpose;
}

/** A data key in hand. The plaintext lives in memory for one run's work and is never written. */
export interface DataKey extends WrappedDataKey {
  /** 32 bytes. */
  readonly plaintext: Uint8Array;
}

/**
 * The key service. One key is made per run and table; every chunk of the run opens the same one, so that a cell can
 * be opened by whoever may open that one key. Deleting the wrapped key erases what it sealed.
 */
export interface DataKeys {
  /** A new key of 32 bytes. @throws Failure `data-key-unavailable` (retry), `data-key-denied` (give-up) */
  generate(purpose: DataKeyPurpose): Promise<DataKey>;
  /**
   * @throws Failure `data-key-unavailable` (retry), `data-key-denied` (give-up: no permission, another purpose, or
   * not the bytes it was wrapped as)
   */
  open(key: WrappedDataKey): Promise<DataKey>;
}

/** Text that names a wrapped key: 128 bits of its digest. */
export const keyIdOfWrapped = (wrapped: Uint8Array): string =>
  createHash('sha256').update(wrapped).digest().subarray(0, 16).toString('base64url');

/** Binds a key to its purpose the way an encryption context does. */
export const describePurpose = ({ pipeline, table, runId }: DataKeyPurpose): Record<string, string> => ({
  'certfleet:pipeline': pipeline,
  'certfleet:table': table,
  'certfleet:run': runId,
});

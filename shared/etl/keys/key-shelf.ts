import type { DataKeyPurpose, WrappedDataKey } from '../cells/data-keys.ts';

/** The master keys: one for what arrives and its raw form, one for what was set aside. */
export type MasterKey = 'cells' | 'quarantine';

/** A data key as it is kept: wrapped, and by which master. */
export interface KeptDataKey extends WrappedDataKey {
  readonly master: MasterKey;
}

/** A data key by the name that sealed cells carry. */
export interface DataKeyRef {
  readonly pipeline: string;
  readonly keyId: string;
}

/** What a run and table seal with. `erased`: they had a key, and it was destroyed. */
export type KeyOfRun = KeptDataKey | 'erased' | undefined;

/**
 * Keeps the wrapped data keys of runs. There is one per run and table, and it is kept in one place: erasing it there
 * erases everything it sealed, wherever copies are. Failures: `store-unavailable`.
 */
export interface KeyShelf {
  /**
   * Offers a new key for its run and table. Answers the key that counts from now on: this one, or that of whoever
   * came first, or `erased`. A key is kept before it counts, so that no cell ever names an unknown key; one that
   * came too late stays kept and seals nothing.
   */
  offer(key: KeptDataKey): Promise<KeptDataKey | 'erased'>;
  /** The key that counts for a run and table. */
  keyOfRun(purpose: DataKeyPurpose): Promise<KeyOfRun>;
  find(ref: DataKeyRef): Promise<KeptDataKey | undefined>;
  /**
   * Destroys a key, and with it what it sealed (crypto-shredding). For good only when backups of the store are gone
   * too: point-in-time recovery keeps deleted items for as long as it reaches back. May be repeated.
   */
  erase(ref: DataKeyRef): Promise<void>;
}

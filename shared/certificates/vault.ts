/** A private key waiting for its certificate. */
export interface StagedKey {
  readonly privateKeyPem: string;
  /** PKCS#10, PEM; made once, so that every finalize of the generation sends the same request. */
  readonly csrPem: string;
}

/** A private key with the certificate issued for it. */
export interface KeyPair {
  readonly generation: number;
  readonly privateKeyPem: string;
  /** Leaf first, as the CA sent it. */
  readonly fullchainPem: string;
  /** The CA that issued it, should it have to be revoked. */
  readonly directoryUrl?: string | undefined;
}

/**
 * Holds keys and chains, one entry per certificate. A staged key is written once per generation and never
 * replaced: whatever another worker finalized stays usable. Failures are typed; `vault-unavailable` is retried.
 */
export interface KeyVault {
  /**
   * Keeps `key` as the pending one of this generation and answers what is now stored: the same key, or the
   * one another worker staged before.
   */
  stageKey(id: { name: string; generation: number }, key: StagedKey): Promise<StagedKey>;
  /** The staged key of a generation; undefined when none was staged. */
  readStagedKey(id: { name: string; generation: number }): Promise<StagedKey | undefined>;
  /** Makes key and chain the current pair in one move; the pair before stays readable as previous. Idempotent. */
  promote(name: string, pair: KeyPair): Promise<void>;
  readCurrent(name: string): Promise<KeyPair | undefined>;
  readPrevious(name: string): Promise<KeyPair | undefined>;
}

/** A certificate with its key, leaf first. */
export interface ClientCertificate {
  /** Where it lives in the vault. */
  readonly name: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** Whom a pipeline connects to, and what it insists on there. */
export interface TlsPeer {
  /** The name (or IP address) the peer's certificate must be for. */
  readonly host: string;
  readonly port: number;
  /** PEM of the roots to trust instead of Node's own. */
  readonly roots?: string | undefined;
  readonly client?: ClientCertificate | undefined;
  /** Where to connect to in place of host and port; the certificate must be for `host` all the same. */
  readonly connectTo?: { readonly host: string; readonly port: number } | undefined;
  /**
   * SHA-256 of the leaves that were checked, lower-case hexadecimal. A handshake that shows another one is refused
   * (`peer-not-checked`), so that what is used is what was checked.
   */
  readonly fingerprints: readonly string[];
}

/** One TXT value under one name; several values may share the name. */
export interface TxtRecord {
  /** Without the trailing dot, lower case. */
  readonly fqdn: string;
  readonly value: string;
}

/**
 * Writes TXT records at a DNS host. Both verbs name one value and leave every other value under the name alone,
 * also when called at the same time for the same name; both are idempotent. They resolve when the host accepted
 * the change, which is before every server shows it. Failures are typed `challenge-dns-…`.
 */
export interface DnsProvider {
  addTxt(record: TxtRecord, signal: AbortSignal): Promise<void>;
  removeTxt(record: TxtRecord, signal: AbortSignal): Promise<void>;
}

export const challengeTypes = ['http-01', 'dns-01', 'tls-alpn-01'] as const;
export type ChallengeType = (typeof challengeTypes)[number];

export const keyTypes = ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;
export type KeyType = (typeof keyTypes)[number];

/** Where a renewed pair is put; one variant per adapter in shared/deploy/targets. */
export interface FileTarget {
  readonly type: 'file';
  /** The pair's own directory; absent: `<DEPLOY_DIRECTORY>/<storage name>`. */
  readonly directory?: string | undefined;
  /** Program and arguments run without a shell after the files changed. */
  readonly reloadCommand?: readonly string[] | undefined;
}
export type DeployTarget = FileTarget;

/** What the inventory asks for: the certificate to have, how to prove control, where it goes. */
export interface CertificatePolicy {
  /** A-labels in lower case without duplicates, the subject first; wildcards as `*.example.com`. */
  readonly domains: readonly string[];
  readonly challenge: ChallengeType;
  /** The DNS provider's name in the registry; set for dns-01 only. */
  readonly dnsPlugin?: string | undefined;
  readonly keyType: KeyType;
  /** Overrides the share of the lifetime at which renewal starts. */
  readonly renewDaysBefore?: number | undefined;
  /** The CA of first choice, by catalogue id or directory URL; absent: the deployment's. */
  readonly ca?: string | undefined;
  /** The CA's certificate profile; absent: the CA's default. */
  readonly profile?: string | undefined;
  /** Common name of the root or issuer whose chain is preferred where the CA offers several. */
  readonly preferredChain?: string | undefined;
  /** Names that keep failing validation are left out rather than hold the others back. */
  readonly splitFailingNames?: boolean | undefined;
  /** Empty: the default file target where DEPLOY_DIRECTORY is set, otherwise the vault alone. */
  readonly targets: readonly DeployTarget[];
  /** `host:port` to verify; empty: every domain at 443. */
  readonly endpoints: readonly string[];
}

/** A certificate the CA issued; every date is read from the leaf itself. */
export interface IssuedCertificate {
  readonly generation: number;
  /** Lower-case hexadecimal without leading zeros, as node:crypto prints it. */
  readonly serial: string;
  /** SHA-256 over the leaf's DER, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly domains: readonly string[];
  readonly keyType: KeyType;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Who issued it; absent for one that was not issued here. */
  readonly issuedBy?: Issuance | undefined;
  /** Names of the policy that failed validation and are not in it. */
  readonly leftOut?: readonly string[] | undefined;
}

/** The CA's side of an issued certificate. */
export interface Issuance {
  readonly directoryUrl: string;
  readonly accountUrl: string;
  /** ARI certificate identifier (RFC 9773, 4.1); absent where the leaf names no authority key. */
  readonly certificateId?: string | undefined;
  readonly profile?: string | undefined;
}

/** What the CA last said about when to renew the current certificate (RFC 9773), and when to ask again. */
export interface RenewalAdvice {
  readonly certificateId: string;
  /** Absent until the CA has answered once. */
  readonly window?: { readonly start: Date; readonly end: Date } | undefined;
  /** The instant drawn from the window; drawn anew only when the window moves. */
  readonly renewAt?: Date | undefined;
  readonly explanationUrl?: string | undefined;
  readonly nextPollAt: Date;
  /** Failed polls since the last answer. */
  readonly failures: number;
  readonly lastProblem?: string | undefined;
}

/** One certificate of the fleet; its identity is `name`. */
export interface TrackedCertificate {
  readonly name: string;
  readonly policy: CertificatePolicy;
  readonly state: 'tracked' | 'retired';
  /** The newest generation ever opened; 0 before the first. */
  readonly generation: number;
  readonly current?: IssuedCertificate | undefined;
  readonly advice?: RenewalAdvice | undefined;
  /** Its place in the plan, where a rate limit makes it wait; it is due then and not before. */
  readonly plannedAt?: Date | undefined;
  /** When schedule-renewals looks at it next. */
  readonly nextActionAt: Date;
}

/**
 * A name that is safe in secret names and file paths. `*` becomes `_wildcard` and an IPv6 address
 * `_ipv6.2001-db8--1`; no other name begins with an underscore (RFC 952 letters, digits, hyphen), so two
 * certificates never meet.
 */
export const storageName = (certificateName: string): string =>
  certificateName.includes(':')
    ? `_ipv6.${certificateName.replaceAll(':', '-')}`
    : certificateName.replace(/^\*/, '_wildcard');

/** Whether two lists name the same domains, in whatever order. */
export const sameNames = (one: readonly string[], other: readonly string[]): boolean =>
  one.toSorted().join(' ') === other.toSorted().join(' ');

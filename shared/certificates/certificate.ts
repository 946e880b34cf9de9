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
}

/** One certificate of the fleet; its identity is `name`. */
export interface TrackedCertificate {
  readonly name: string;
  readonly policy: CertificatePolicy;
  readonly state: 'tracked' | 'retired';
  /** The newest generation ever opened; 0 before the first. */
  readonly generation: number;
  readonly current?: IssuedCertificate | undefined;
  /** When schedule-renewals looks at it next. */
  readonly nextActionAt: Date;
}

/**
 * A name that is safe in secret names and file paths. `*` becomes `_wildcard`, which no host name can hold
 * (RFC 952 letters, digits, hyphen), so two certificates never meet.
 */
export const storageName = (certificateName: string): string => certificateName.replace(/^\*/, '_wildcard');

/** Whether two lists name the same domains, in whatever order. */
export const sameNames = (one: readonly string[], other: readonly string[]): boolean =>
  one.toSorted().join(' ') === other.toSorted().join(' ');

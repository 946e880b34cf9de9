import type { RecordedConnection } from '../../audit/run-record.ts';
import type { TlsPeer } from '../connections/tls-peer.ts';
import type { Pipeline } from '../definition/pipeline-schema.ts';

/** A certificate that a pipeline depends on, as it was seen. */
export interface CheckedCertificate {
  /** `client <name>` or `peer <host>:<port>`. */
  readonly subject: string;
  /** SHA-256 over the leaf's DER, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly expiresAt: Date;
  /** `not-checkable`: the certificate names no revocation list. */
  readonly revocation: 'good' | 'not-checkable';
}

/** Why a pipeline may not run now. */
export interface GateProblem {
  /**
   * Stable: `client-certificate-missing`, `certificate-expired`, `certificate-not-yet-valid`,
   * `certificate-expires-soon`, `certificate-revoked`, `certificate-untrusted`, `certificate-self-signed`,
   * `certificate-wrong-host`, `certificate-wrong-usage`, `certificate-weak-key`, `certificate-key-mismatch`,
   * `revocation-unknown`, `client-certificate-required`, `client-certificate-refused`, `tls-too-old`,
   * `peer-unreachable`.
   */
  readonly code: string;
  readonly subject: string;
  /** Names the place and the remedy. */
  readonly message: string;
  /** The certificate of our own fleet whose renewal would help. */
  readonly renew?: string | undefined;
}

/** Which end of a pipeline: `source`, `token` (of its OAuth), or `destination/<index>`. */
export type PeerRole = 'source' | 'token' | `destination/${number}`;

export interface GateVerdict {
  /** Empty: the pipeline may run. */
  readonly problems: readonly GateProblem[];
  readonly certificates: readonly CheckedCertificate[];
  /** Those that were checked, to connect to; ends without TLS of their own (S3 by the SDK) are absent. */
  readonly peers: ReadonlyMap<PeerRole, TlsPeer>;
}

/** Asks whether every certificate a pipeline uses is healthy, by the vault and by a handshake with each end. */
export interface Gate {
  /** Never rejects for a bad certificate; rejects (retry) where the vault or the secrets cannot be read. */
  check(pipeline: Pipeline, options: { now: Date; signal: AbortSignal }): Promise<GateVerdict>;
}

/** Collects the TLS connections of this process; see tls-recorder. */
export interface ConnectionRecorder {
  /** What was connected since the last call: each (host, protocol, cipher, verified, fingerprint) once. */
  drain(): readonly RecordedConnection[];
}

import type { DeployTarget } from '../certificates/certificate.ts';
import type { CertificateMaterial } from './material.ts';

/**
 * `deployed`: the target now serves, or was told to serve, this pair. `unchanged`: it already did, nothing
 * ran.
 */
export type DeployResult =
  | { readonly result: 'deployed'; readonly target: string; readonly reload: 'done' | 'not-asked' }
  | { readonly result: 'unchanged'; readonly target: string };

/**
 * Puts a pair on one kind of server. `deploy` is idempotent and may be cut off anywhere: after a crash the
 * next call finishes what was begun, reload included, and at no moment is a leaf paired with another leaf's
 * key. Two calls for the same target with different pairs leave either pair whole; which one is the caller's
 * lease to decide.
 */
export interface DeployTargetAdapter<Target extends DeployTarget = DeployTarget> {
  /** A stable identity that tells where the pair goes, such as `file:/etc/ssl/example.com`. */
  describe(target: Target, certificateName: string): string;
  /** @throws Failure whose message names the certificate, the place and the remedy */
  deploy(target: Target, material: CertificateMaterial, signal: AbortSignal): Promise<DeployResult>;
}

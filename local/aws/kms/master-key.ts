import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyPlan } from '../stack-plan.ts';

/** `PendingDeletion` ends by cancelling alone: an embedded key is never deleted. */
export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion';

/** A key with what KMS never shows. Kept as JSON. */
export interface MasterKey {
  readonly keyId: string;
  readonly spec: KeyPlan['spec'];
  readonly state: KeyState;
  /** Base64: 32 bytes, or PKCS#8 in DER. */
  readonly material: string;
  readonly createdAtMillis: number;
}

/** A key of the template with its material. */
export interface PlannedKey extends MasterKey {
  readonly arn: string;
  readonly description: string;
}

export function createMasterKey({ keyId, spec, enabled }: KeyPlan, now: Date): MasterKey {
  const material =
    spec === 'SYMMETRIC_DEFAULT'
      ? randomBytes(32)
      : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
          type: 'pkcs8',
          format: 'der',
        });
  return {
    keyId,
    spec,
    state: enabled ? 'Enabled' : 'Disabled',
    material: material.toString('base64'),
    createdAtMillis: now.getTime(),
  };
}

export const secretOf = ({ material }: MasterKey): Buffer => Buffer.from(material, 'base64');

export const privateKeyOf = (key: MasterKey) =>
  createPrivateKey({ key: secretOf(key), format: 'der', type: 'pkcs8' });

import { z } from 'zod';
import type { KeyRing } from './key-ring.ts';
import { KmsError, notFound } from './kms-error.ts';
import type { PlannedKey } from './master-key.ts';

/** Answers a call's output. */
export type KmsOperation = (input: unknown, ring: KeyRing) => Record<string, unknown>;

/** An operation that refuses malformed input as the service does. */
export function defineOperation<Shape extends z.ZodType>(
  schema: Shape,
  run: (input: z.output<Shape>, ring: KeyRing) => Record<string, unknown>,
): KmsOperation {
  return (input, ring) => {
    const parsed = schema.safeParse(input);
    if (parsed.success) return run(parsed.data, ring);
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new KmsError('ValidationException', problems.join('; '));
  };
}

export const keyReference = { KeyId: z.string().min(1).max(2048) };

/** Bytes within a JSON body. */
export const blob = (mostBytes: number) =>
  z
    .base64()
    .transform((text) => Buffer.from(text, 'base64'))
    .refine(({ length }) => length >= 1 && length <= mostBytes, `1 to ${mostBytes} bytes`);

/** @throws KmsError `NotFoundException` */
export function requireKey(reference: string, ring: KeyRing): PlannedKey {
  const key = ring.find(reference);
  if (key) return key;
  throw notFound(reference.includes('alias/') ? `Alias ${reference}` : `Key '${reference}'`);
}

/** A key that may work now. @throws KmsError `NotFoundException`, and where its state or its usage forbid it */
export function requireWorking(reference: string, ring: KeyRing, spec: PlannedKey['spec']): PlannedKey {
  return checkWorking(requireKey(reference, ring), spec);
}

/** @throws KmsError `DisabledException`, `KMSInvalidStateException`, `InvalidKeyUsageException` */
export function checkWorking(key: PlannedKey, spec: PlannedKey['spec']): PlannedKey {
  if (key.state === 'Disabled') throw new KmsError('DisabledException', `${key.arn} is disabled.`);
  if (key.state === 'PendingDeletion')
    throw new KmsError('KMSInvalidStateException', `${key.arn} is pending deletion.`);
  if (key.spec !== spec)
    throw new KmsError(
      'InvalidKeyUsageException',
      `${key.arn} key spec is ${key.spec}, which cannot do this.`,
    );
  return key;
}

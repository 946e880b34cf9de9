import { z } from 'zod';
import type { ResourceReader } from '../resource-reader.ts';
import type { KeyAliasPlan, KeyPlan } from '../stack-plan.ts';

const keySchema = z.object({
  Description: z.string().default(''),
  Enabled: z.boolean().default(true),
  KeySpec: z.enum(['SYMMETRIC_DEFAULT', 'ECC_NIST_P256']).default('SYMMETRIC_DEFAULT'),
  KeyUsage: z.enum(['ENCRYPT_DECRYPT', 'SIGN_VERIFY']).default('ENCRYPT_DECRYPT'),
});
/** KMS makes no other pair of spec and usage here. */
const usageOf = { SYMMETRIC_DEFAULT: 'ENCRYPT_DECRYPT', ECC_NIST_P256: 'SIGN_VERIFY' } as const;
const usableKey = keySchema.refine(({ KeySpec, KeyUsage }) => usageOf[KeySpec] === KeyUsage, {
  error: 'KeyUsage does not go with KeySpec',
  path: ['KeyUsage'],
});

/** Keys of a template; policies and rotation are passed over. */
export const readKeys = (reader: ResourceReader): KeyPlan[] =>
  reader.each('AWS::KMS::Key', usableKey).map(({ name, arn, properties }) => ({
    keyId: name,
    arn,
    spec: properties.KeySpec,
    description: properties.Description,
    enabled: properties.Enabled,
  }));

const aliasSchema = z.object({
  AliasName: z.string().startsWith('alias/'),
  TargetKeyId: z.string().transform((target) => target.split('/').at(-1) ?? target),
});

export const readKeyAliases = (reader: ResourceReader): KeyAliasPlan[] =>
  reader.each('AWS::KMS::Alias', aliasSchema).map(({ properties }) => ({
    name: properties.AliasName,
    keyId: properties.TargetKeyId,
  }));

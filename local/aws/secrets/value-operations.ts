import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { ACCOUNT_ID } from '../intrinsics.ts';
import {
  defineOperation,
  epochSeconds,
  findSecret,
  identityOf,
  livingSecret,
  type SecretsContext,
  type SecretsOperation,
  secretReference,
  tagRecordOf,
  tagsSchema,
} from './access.ts';
import { currentStage, findVersion, moveStage, putVersion, type Secret, SecretsError } from './secret.ts';

const secretLimitBytes = 65_536;
const token = z.string().min(32).max(64);
const value = { SecretString: z.string().optional(), SecretBinary: z.string().optional() };
interface GivenValue {
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: string | undefined;
}
const newName = z.string().regex(/^[A-Za-z0-9/_+=.@-]{1,512}$/, {
  error:
    'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
});

function checkValue(given: GivenValue): void {
  if (given.SecretString !== undefined && given.SecretBinary !== undefined) {
    throw new SecretsError(
      'InvalidParameterException',
      "You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  }
  const sizeBytes =
    Buffer.byteLength(given.SecretString ?? '') + Buffer.byteLength(given.SecretBinary ?? '', 'base64');
  if (sizeBytes > secretLimitBytes) {
    throw new SecretsError('LimitExceededException', `The secret value is over ${secretLimitBytes} bytes.`);
  }
}

const createSecret = defineOperation(
  z.object({
    Name: newName,
    ClientRequestToken: token,
    Description: z.string().max(2048).optional(),
    KmsKeyId: z.string().optional(),
    Tags: tagsSchema.default([]),
    ...value,
  }),
  (input, context) => {
    checkValue(input);
    const now = context.clock.now().getTime();
    const existing = findSecret(input.Name, context);
    if (existing?.deletedAt !== undefined) {
      throw new SecretsError(
        'InvalidRequestException',
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
      );
    }
    if (existing && !existing.versions.some(({ id }) => id === input.ClientRequestToken)) {
      throw new SecretsError(
        'ResourceExistsException',
        `The operation failed because the secret ${input.Name} already exists.`,
      );
    }
    const secret: Secret = existing ?? {
      name: input.Name,
      arn: newArn(input.Name, context),
      description: input.Description,
      kmsKeyId: input.KmsKeyId,
      tags: tagRecordOf(input.Tags),
      createdAt: now,
      changedAt: now,
      versions: [],
    };
    if (input.SecretString === undefined && input.SecretBinary === undefined) {
      context.shelf.put(secret);
      return identityOf(secret);
    }
    context.shelf.put(putVersion(secret, versionOf(input, [currentStage]), now));
    return { ...identityOf(secret), VersionId: input.ClientRequestToken };
  },
);

function newArn(name: string, { region }: SecretsContext): string {
  const suffix = randomBytes(3).toString('hex');
  return `arn:aws:secretsmanager:${region}:${ACCOUNT_ID}:secret:${name}-${suffix}`;
}

const versionOf = (
  input: GivenValue & { readonly ClientRequestToken: string },
  stages: readonly string[],
) => ({ id: input.ClientRequestToken, string: input.SecretString, binary: input.SecretBinary, stages });

const putSecretValue = defineOperation(
  z.object({
    ...secretReference,
    ClientRequestToken: token,
    VersionStages: z.array(z.string().min(1).max(256)).min(1).max(20).default([currentStage]),
    ...value,
  }),
  (input, context) => {
    checkValue(input);
    if (input.SecretString === undefined && input.SecretBinary === undefined) {
      throw new SecretsError(
        'InvalidParameterException',
        'You must provide either SecretString or SecretBinary.',
      );
    }
    const before = livingSecret(input.SecretId, context);
    const secret = putVersion(before, versionOf(input, input.VersionStages), context.clock.now().getTime());
    if (secret !== before) context.shelf.put(secret);
    const { id, stages } = findVersion(secret, { id: input.ClientRequestToken });
    return { ...identityOf(secret), VersionId: id, VersionStages: stages };
  },
);

const getSecretValue = defineOperation(
  z.object({ ...secretReference, VersionId: token.optional(), VersionStage: z.string().optional() }),
  (input, context) => {
    const secret = livingSecret(input.SecretId, context);
    const version = findVersion(secret, { id: input.VersionId, stage: input.VersionStage });
    return {
      ...identityOf(secret),
      VersionId: version.id,
      SecretString: version.string,
      SecretBinary: version.binary,
      VersionStages: version.stages,
      CreatedDate: epochSeconds(version.createdAt),
    };
  },
);

const updateSecretVersionStage = defineOperation(
  z.object({
    ...secretReference,
    VersionStage: z.string().min(1).max(256),
    MoveToVersionId: token.optional(),
    RemoveFromVersionId: token.optional(),
  }),
  (input, context) => {
    const before = livingSecret(input.SecretId, context);
    const move = { stage: input.VersionStage, to: input.MoveToVersionId, from: input.RemoveFromVersionId };
    const secret = moveStage(before, move, context.clock.now().getTime());
    if (secret !== before) context.shelf.put(secret);
    return identityOf(secret);
  },
);

export const valueOperations: Readonly<Record<string, SecretsOperation>> = {
  CreateSecret: createSecret,
  PutSecretValue: putSecretValue,
  GetSecretValue: getSecretValue,
  UpdateSecretVersionStage: updateSecretVersionStage,
};

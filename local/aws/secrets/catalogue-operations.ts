import { z } from 'zod';
import {
  anySecret,
  defineOperation,
  epochSeconds,
  findSecret,
  identityOf,
  livingSecret,
  type SecretsOperation,
  secretReference,
  tagRecordOf,
  tagsSchema,
} from './access.ts';
import { type Secret, SecretsError } from './secret.ts';

const dayMillis = 86_400_000;
const paging = {
  MaxResults: z.number().int().min(1).max(100).default(100),
  NextToken: z.string().optional(),
};

function pageOf<Item>(items: readonly Item[], page: { MaxResults: number; NextToken?: string | undefined }) {
  const start = Number(page.NextToken ?? 0);
  if (!Number.isInteger(start) || start < 0) {
    throw new SecretsError('InvalidParameterException', 'NextToken: not a token of this operation');
  }
  const end = start + page.MaxResults;
  return { items: items.slice(start, end), NextToken: end < items.length ? String(end) : undefined };
}

const stagesById = (secret: Secret) =>
  Object.fromEntries(
    secret.versions.filter(({ stages }) => stages.length > 0).map(({ id, stages }) => [id, stages]),
  );

const describe = (secret: Secret) => ({
  ...identityOf(secret),
  Description: secret.description,
  KmsKeyId: secret.kmsKeyId,
  CreatedDate: epochSeconds(secret.createdAt),
  LastChangedDate: epochSeconds(secret.changedAt),
  DeletedDate: secret.deletedAt === undefined ? undefined : epochSeconds(secret.deletedAt),
  Tags: Object.entries(secret.tags).map(([Key, Value]) => ({ Key, Value })),
});

const describeSecret = defineOperation(z.object(secretReference), ({ SecretId }, context) => {
  const secret = anySecret(SecretId, context);
  return { ...describe(secret), VersionIdsToStages: stagesById(secret) };
});

const listSecretVersionIds = defineOperation(
  z.object({ ...secretReference, IncludeDeprecated: z.boolean().default(false), ...paging }),
  (input, context) => {
    const secret = anySecret(input.SecretId, context);
    const versions = secret.versions.filter(({ stages }) => input.IncludeDeprecated || stages.length > 0);
    const { items, NextToken } = pageOf(versions, input);
    const Versions = items.map(({ id, stages, createdAt }) => ({
      VersionId: id,
      VersionStages: stages,
      CreatedDate: epochSeconds(createdAt),
    }));
    return { ...identityOf(secret), Versions, NextToken };
  },
);

const filterSchema = z.object({
  Key: z.enum(['name', 'description', 'tag-key', 'tag-value']),
  Values: z.array(z.string()),
});

function passes(secret: Secret, filter: z.output<typeof filterSchema>): boolean {
  const texts = {
    name: [secret.name],
    description: [secret.description ?? ''],
    'tag-key': Object.keys(secret.tags),
    'tag-value': Object.values(secret.tags),
  }[filter.Key];
  return filter.Values.some((prefix) => texts.some((text) => text.startsWith(prefix)));
}

const listSecrets = defineOperation(
  z.object({
    IncludePlannedDeletion: z.boolean().default(false),
    Filters: z.array(filterSchema).default([]),
    SortOrder: z.enum(['asc', 'desc']).default('asc'),
    ...paging,
  }),
  (input, context) => {
    const direction = input.SortOrder === 'asc' ? 1 : -1;
    const secrets = context.shelf
      .all()
      .filter((secret) => findSecret(secret.name, context) !== undefined)
      .filter((secret) => input.IncludePlannedDeletion || secret.deletedAt === undefined)
      .filter((secret) => input.Filters.every((filter) => passes(secret, filter)))
      .sort((one, other) => direction * (one.name < other.name ? -1 : 1));
    const { items, NextToken } = pageOf(secrets, input);
    const SecretList = items.map((secret) => ({
      ...describe(secret),
      SecretVersionsToStages: stagesById(secret),
    }));
    return { SecretList, NextToken };
  },
);

const deleteSecret = defineOperation(
  z.object({
    ...secretReference,
    RecoveryWindowInDays: z.number().int().min(7).max(30).optional(),
    ForceDeleteWithoutRecovery: z.boolean().default(false),
  }),
  (input, context) => {
    const now = context.clock.now().getTime();
    if (input.ForceDeleteWithoutRecovery) {
      if (input.RecoveryWindowInDays !== undefined) {
        throw new SecretsError(
          'InvalidParameterException',
          "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        );
      }
      const secret = findSecret(input.SecretId, context);
      if (secret) context.shelf.remove(secret.name);
      return {
        ...(secret ? identityOf(secret) : { Name: input.SecretId }),
        DeletionDate: epochSeconds(now),
      };
    }
    const secret = livingSecret(input.SecretId, context);
    const purgeAt = now + (input.RecoveryWindowInDays ?? 30) * dayMillis;
    context.shelf.put({ ...secret, deletedAt: now, purgeAt });
    return { ...identityOf(secret), DeletionDate: epochSeconds(purgeAt) };
  },
);

const restoreSecret = defineOperation(z.object(secretReference), ({ SecretId }, context) => {
  const secret = anySecret(SecretId, context);
  context.shelf.put({ ...secret, deletedAt: undefined, purgeAt: undefined });
  return identityOf(secret);
});

const tagResource = defineOperation(z.object({ ...secretReference, Tags: tagsSchema }), (input, context) => {
  const secret = livingSecret(input.SecretId, context);
  context.shelf.put({ ...secret, tags: { ...secret.tags, ...tagRecordOf(input.Tags) } });
  return {};
});

export const catalogueOperations: Readonly<Record<string, SecretsOperation>> = {
  DescribeSecret: describeSecret,
  ListSecretVersionIds: listSecretVersionIds,
  ListSecrets: listSecrets,
  DeleteSecret: deleteSecret,
  RestoreSecret: restoreSecret,
  TagResource: tagResource,
};

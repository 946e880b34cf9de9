export interface SecretVersion {
  readonly id: string;
  readonly createdAt: number;
  readonly stages: readonly string[];
  readonly string?: string | undefined;
  /** Base64. */
  readonly binary?: string | undefined;
}

/** A secret as Secrets Manager keeps it. Instants are epoch milliseconds. */
export interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly description?: string | undefined;
  readonly kmsKeyId?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly changedAt: number;
  readonly deletedAt?: number | undefined;
  /** When a deleted secret is gone for good. */
  readonly purgeAt?: number | undefined;
  readonly versions: readonly SecretVersion[];
}

export type SecretsErrorType =
  | 'ResourceNotFoundException'
  | 'ResourceExistsException'
  | 'InvalidParameterException'
  | 'InvalidRequestException'
  | 'LimitExceededException'
  | 'AccessDeniedException'
  | 'UnknownOperationException';

/** A refusal, as the service words it to its caller. */
export class SecretsError extends Error {
  readonly type: SecretsErrorType;

  constructor(type: SecretsErrorType, message: string) {
    super(message);
    this.type = type;
  }
}

export const currentStage = 'AWSCURRENT';
const previousStage = 'AWSPREVIOUS';
const versionsKept = 100;

export interface NewVersion {
  readonly id: string;
  readonly string?: string | undefined;
  readonly binary?: string | undefined;
  readonly stages: readonly string[];
}

/**
 * Adds a version and moves its staging labels to it. The same id with the same value changes nothing; with
 * another value it is refused, since a version never changes. The first version always becomes AWSCURRENT.
 */
export function putVersion(secret: Secret, version: NewVersion, now: number): Secret {
  const existing = secret.versions.find(({ id }) => id === version.id);
  if (existing) {
    if (existing.string === version.string && existing.binary === version.binary) return secret;
    throw new SecretsError(
      'ResourceExistsException',
      `You can't use ClientRequestToken ${version.id} because that value is already in use for a version of secret ${secret.arn}.`,
    );
  }
  const stages = secret.versions.length === 0 ? [...version.stages, currentStage] : version.stages;
  const added: SecretVersion = { ...version, createdAt: now, stages: [] };
  const labelled = [...new Set(stages)].reduce<Secret>(
    (changed, stage) => attachStage(changed, stage, version.id),
    {
      ...secret,
      changedAt: now,
      versions: [...secret.versions, added],
    },
  );
  return dropDeprecatedVersions(labelled);
}

/** Moves or removes one staging label, by UpdateSecretVersionStage's rules. */
export function moveStage(
  secret: Secret,
  move: { stage: string; to: string | undefined; from: string | undefined },
  now: number,
): Secret {
  const holder = secret.versions.find(({ stages }) => stages.includes(move.stage))?.id;
  for (const id of [move.to, move.from]) {
    if (id !== undefined && !secret.versions.some((version) => version.id === id)) {
      throw new SecretsError(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret version: ${id}.`,
      );
    }
  }
  if (move.to !== undefined && move.to === holder) return secret;
  if (holder !== move.from) {
    throw new SecretsError(
      'InvalidParameterException',
      holder === undefined || move.from !== undefined
        ? `The staging label ${move.stage} is not attached to version ${move.from}.`
        : `The parameter RemoveFromVersionId can't be empty. Staging label ${move.stage} is currently attached to version ${holder}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
  }
  if (move.to === undefined && move.stage === currentStage) {
    throw new SecretsError(
      'InvalidParameterException',
      'You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.',
    );
  }
  const changed = { ...secret, changedAt: now };
  return move.to === undefined
    ? { ...changed, versions: withoutStage(secret, move.stage) }
    : attachStage(changed, move.stage, move.to);
}

function attachStage(secret: Secret, stage: string, toId: string): Secret {
  const holder = secret.versions.find(({ stages }) => stages.includes(stage));
  const versions = withoutStage(secret, stage).map((version) =>
    version.id === toId ? { ...version, stages: [...version.stages, stage] } : version,
  );
  const moved = { ...secret, versions };
  return stage === currentStage && holder && holder.id !== toId
    ? attachStage(moved, previousStage, holder.id)
    : moved;
}

const withoutStage = (secret: Secret, stage: string): SecretVersion[] =>
  secret.versions.map((version) => ({
    ...version,
    stages: version.stages.filter((attached) => attached !== stage),
  }));

function dropDeprecatedVersions(secret: Secret): Secret {
  const surplus = secret.versions.length - versionsKept;
  if (surplus <= 0) return secret;
  const deprecated = secret.versions.filter(({ stages }) => stages.length === 0).slice(0, surplus);
  return { ...secret, versions: secret.versions.filter((version) => !deprecated.includes(version)) };
}

/** The version a reader asked for; AWSCURRENT unless it named an id or a stage. */
export function findVersion(
  secret: Secret,
  wanted: { id?: string | undefined; stage?: string | undefined },
): SecretVersion {
  const stage = wanted.stage ?? (wanted.id === undefined ? currentStage : undefined);
  const found = secret.versions.find(({ id, stages }) =>
    wanted.id === undefined ? stage !== undefined && stages.includes(stage) : id === wanted.id,
  );
  if (!found) {
    const what = wanted.id === undefined ? `staging label: ${stage}` : `VersionId: ${wanted.id}`;
    throw new SecretsError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for ${what}`,
    );
  }
  if (stage !== undefined && !found.stages.includes(stage)) {
    throw new SecretsError(
      'InvalidRequestException',
      'You provided a VersionStage that is not associated to the provided VersionId.',
    );
  }
  return found;
}

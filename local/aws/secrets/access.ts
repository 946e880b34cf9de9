import { z } from 'zod';
import type { Clock } from '../../../shared/runtime/clock.ts';
import { type Secret, SecretsError } from './secret.ts';
import type { SecretShelf } from './secret-shelf.ts';

export interface SecretsContext {
  readonly shelf: SecretShelf;
  readonly clock: Clock;
  readonly region: string;
}

export type SecretsOperation = (input: unknown, context: SecretsContext) => Record<string, unknown>;

/** An operation that refuses malformed input as the service does. */
export function defineOperation<Shape extends z.ZodType>(
  schema: Shape,
  run: (input: z.output<Shape>, context: SecretsContext) => Record<string, unknown>,
): SecretsOperation {
  return (input, context) => {
    const parsed = schema.safeParse(input);
    if (parsed.success) return run(parsed.data, context);
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new SecretsError('InvalidParameterException', problems.join('; '));
  };
}

/** Input every operation on one secret takes: its name, its ARN, or its ARN without the random suffix. */
export const secretReference = { SecretId: z.string().min(1).max(2048) };

const suffixLength = '-abcdef'.length;

/** Also forgets the secret when its recovery window is over. */
export function findSecret(secretId: string, { shelf, clock }: SecretsContext): Secret | undefined {
  const secret =
    shelf.get(secretId) ??
    (secretId.startsWith('arn:')
      ? shelf.all().find(({ arn }) => arn === secretId || arn.slice(0, -suffixLength) === secretId)
      : undefined);
  if (secret?.purgeAt === undefined || secret.purgeAt > clock.now().getTime()) return secret;
  shelf.remove(secret.name);
  return undefined;
}

/** @throws SecretsError when there is none */
export function anySecret(secretId: string, context: SecretsContext): Secret {
  const secret = findSecret(secretId, context);
  if (secret) return secret;
  throw new SecretsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
}

/** @throws SecretsError when there is none, or when it waits for its deletion */
export function livingSecret(secretId: string, context: SecretsContext): Secret {
  const secret = anySecret(secretId, context);
  if (secret.deletedAt === undefined) return secret;
  throw new SecretsError(
    'InvalidRequestException',
    "You can't perform this operation on the secret because it was marked for deletion.",
  );
}

export const identityOf = ({ arn, name }: Secret) => ({ ARN: arn, Name: name });
export const epochSeconds = (millis: number) => millis / 1000;

export const tagsSchema = z.array(z.object({ Key: z.string().min(1), Value: z.string().default('') }));
export const tagRecordOf = (tags: z.output<typeof tagsSchema>): Record<string, string> =>
  Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));

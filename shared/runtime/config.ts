import type { z } from 'zod';
import { Failure } from './errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a function's configuration from its environment. Absent variables take the schema's defaults;
 * malformed ones fail at start, all of them in one message.
 * @throws Failure `invalid-configuration`
 */
export function parseConfig<Schema extends z.ZodType>(schema: Schema, env: Environment): z.output<Schema> {
  // CloudFormation cannot unset a variable, so an empty one means absent.
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = schema.safeParse(present);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Failure({
    code: 'invalid-configuration',
    disposition: 'give-up',
    message: `invalid environment: ${problems.join('; ')}`,
  });
}

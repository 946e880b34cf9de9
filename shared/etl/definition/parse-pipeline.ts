import type { z } from 'zod';
import { checkPipeline } from './check-pipeline.ts';
import { pointerTo } from './json-pointer.ts';
import { type Pipeline, pipelineSchema } from './pipeline-schema.ts';
import type { DefinitionProblem } from './problem.ts';

export interface ParsedPipeline {
  /** Absent when there is an error. */
  readonly pipeline?: Pipeline | undefined;
  /** Everything found, errors and warnings, in the definition's order. */
  readonly problems: readonly DefinitionProblem[];
}

/**
 * Reads a definition, tells all that is wrong with it at once: its form first, and when that holds, what checkPipeline
 * finds. Throws nothing.
 */
export function parsePipeline(definition: unknown): ParsedPipeline {
  const read = pipelineSchema.safeParse(definition);
  if (!read.success) return { problems: read.error.issues.flatMap(describeIssue) };
  const problems = checkPipeline(read.data);
  return problems.some(({ severity }) => severity === 'error')
    ? { problems }
    : { pipeline: read.data, problems };
}

/** Each unknown key is a place of its own. */
function describeIssue(issue: z.core.$ZodIssue): DefinitionProblem[] {
  const at = (path: readonly PropertyKey[], message: string): DefinitionProblem => ({
    pointer: pointerTo(...path),
    code: 'malformed',
    severity: 'error',
    message,
  });
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => at([...issue.path, key], 'is not known here'));
  }
  if (issue.code === 'invalid_key') {
    return [at(issue.path, issue.issues.map(({ message }) => message).join('; '))];
  }
  return [at(issue.path, issue.message)];
}

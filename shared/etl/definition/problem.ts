import { Failure } from '../../runtime/errors.ts';

/** Something a definition gets wrong, or `warning`: something people should know before they deploy it. */
export interface DefinitionProblem {
  /** RFC 6901, from the root of the definition. */
  readonly pointer: string;
  /** Stable, kebab-case. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

/** All errors of a definition as one failure, each with its place. */
export function refuseDefinition(name: string, problems: readonly DefinitionProblem[]): Failure {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const lines = errors.map(({ pointer, message }) => `${pointer || '/'}: ${message}`);
  return new Failure({
    code: 'invalid-pipeline',
    disposition: 'give-up',
    message: `the pipeline definition ${name} is wrong in ${errors.length} places: ${lines.join('; ')}`,
  });
}

import { createHash } from 'node:crypto';
import type { Pipeline } from './pipeline-schema.ts';

/**
 * The definition's digest for run records: SHA-256, hex, over its canonical form, which the order of an object's
 * members does not change.
 */
export function digestPipeline(pipeline: Pipeline): string {
  return createHash('sha256').update(canonical(pipeline)).digest('hex');
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );
}

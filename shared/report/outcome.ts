/** One batch run over the fleet. */
export interface Run {
  readonly runId: string;
  readonly startedAt: Date;
}

/** How one certificate fared in one run. */
export interface CertificateOutcome {
  readonly runId: string;
  readonly certificateName: string;
  readonly generation: number;
  readonly result: 'renewed' | 'failed';
  /** When the result was known; between two equal results of a generation the later counts. */
  readonly at: Date;
  /** Why it failed; set for `failed` only. */
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  /** Targets that hold the new pair. */
  readonly deployed: number;
  /** Endpoints seen serving it. */
  readonly verified: number;
  readonly notAfter?: Date | undefined;
  readonly warnings: readonly string[];
}

/**
 * Whether an outcome takes the place of the one stored for the same run and certificate: a newer generation
 * does; within a generation `renewed` beats `failed`, and otherwise the later one counts.
 */
export function supersedes(next: CertificateOutcome, stored: CertificateOutcome): boolean {
  if (next.generation !== stored.generation) return next.generation > stored.generation;
  if (next.result !== stored.result) return next.result === 'renewed';
  return next.at >= stored.at;
}

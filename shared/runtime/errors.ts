/**
 * What the caller must do about a failure:
 * - `retry`: the same call may succeed later, by the usual backoff;
 * - `retry-after`: not before `retryAfterSeconds` have passed;
 * - `give-up`: no repetition helps until a person or a configuration changes something;
 * - `quarantine`: set this item aside, its neighbours go on;
 * - `bug`: the program contradicts itself.
 */
export type Disposition = 'retry' | 'retry-after' | 'give-up' | 'quarantine' | 'bug';

export interface FailureDetails {
  /** Stable, kebab-case, part of the public contract. */
  readonly code: string;
  readonly disposition: Disposition;
  /** Names the place and the remedy; never holds a secret. */
  readonly message: string;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/** Every expected failure in certfleet; adapters translate foreign errors into it once. */
export class Failure extends Error {
  readonly code: string;
  readonly disposition: Disposition;
  readonly retryAfterSeconds: number | undefined;

  constructor(details: FailureDetails) {
    super(details.message, { cause: details.cause });
    this.name = 'Failure';
    this.code = details.code;
    this.disposition = details.disposition;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

/** Anything thrown, as a Failure; what nobody classified is a `bug`. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Failure({ code: 'unexpected', disposition: 'bug', message, cause: error });
}

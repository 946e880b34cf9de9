import { asFailure, Failure } from './errors.ts';

/**
 * What may be told of a failure in places that hold no data: its own message, which quotes none, without the cause.
 * An error that nobody classified may quote what it failed on, so that it is told by its name alone.
 */
export function toldFailure(error: unknown): Failure {
  const { code, disposition, message, retryAfterSeconds, cause } = asFailure(error);
  const told = code === 'unexpected' ? `an error that nobody foresaw: ${nameOf(cause)}` : message;
  return new Failure({ code, disposition, message: told, retryAfterSeconds });
}

/**
 * A failure as Lambda is to answer and to log it: `errorType` is its code, and its place in the program, which says
 * nothing to who asked, is left out.
 */
export function answeredFailure(failure: Failure): Failure {
  const { code, disposition, message, retryAfterSeconds } = failure;
  const answered = new Failure({ code, disposition, message, retryAfterSeconds });
  answered.name = code;
  answered.stack = `${code}: ${message}`;
  return answered;
}

/** Names of errors are set by libraries, some from what another side has answered: text is no name. */
function nameOf(error: unknown): string {
  const name = error instanceof Error ? error.name : typeof error;
  return /^[A-Za-z][A-Za-z0-9_.]{0,63}$/.test(name) ? name : 'Error';
}

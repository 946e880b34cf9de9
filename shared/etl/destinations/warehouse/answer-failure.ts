import { Failure } from '../../../runtime/errors.ts';

/** What an HTTP status that is no success means, by RFC 9110 section 15; nothing of the body. */
export function answerFailure(
  target: string,
  { status, retryAfterSeconds }: { readonly status: number; readonly retryAfterSeconds?: number | undefined },
): Failure {
  if (status === 429 || (status === 503 && retryAfterSeconds !== undefined))
    return new Failure({
      code: 'target-throttled',
      disposition: 'retry-after',
      retryAfterSeconds: retryAfterSeconds ?? 15,
      message: `${target} takes no more requests for now (status ${status})`,
    });
  if (status === 401 || status === 403)
    return new Failure({
      code: 'target-denied',
      disposition: 'give-up',
      message: `${target} refused the credentials (status ${status}); check the secret and what it is granted`,
    });
  if (status >= 500 || status === 408)
    return new Failure({
      code: 'target-unavailable',
      disposition: 'retry',
      message: `${target} could not answer (status ${status})`,
    });
  return new Failure({
    code: 'target-refused-request',
    disposition: 'give-up',
    message: `${target} refused the request (status ${status}); check the names in the definition`,
  });
}

/** A statement or job that the warehouse ended: its id leads to the reason, which may quote rows. */
export const refusedWork = (target: string, { id, isPassing }: { id: string; isPassing: boolean }): Failure =>
  new Failure({
    code: isPassing ? 'target-interrupted' : 'target-refused-load',
    disposition: isPassing ? 'retry' : 'give-up',
    message: `${target} ended ${id} with an error; its own history says why`,
  });

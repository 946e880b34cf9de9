/**
 * One call for everybody: callers that come while it runs, and after it succeeded, get the same answer; a
 * failure reaches those who waited and is forgotten.
 */
export function shareSuccess<Arguments extends unknown[], T>(
  call: (...args: Arguments) => Promise<T>,
): (...args: Arguments) => Promise<T> {
  let shared: Promise<T> | undefined;
  return (...args) => {
    shared ??= call(...args).catch((error) => {
      shared = undefined;
      throw error;
    });
    return shared;
  };
}

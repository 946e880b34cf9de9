/** So many certificates are asked about by one invocation of refresh-renewal-info. */
export const namesPerMessage = 50;

/**
 * Hands certificates to the worker that asks their CAs when to renew them, many to a message, at least once and
 * in no order. A message lost is made up for: the due index brings its certificates back. Failures:
 * `queue-unavailable`, after which any part may have been sent.
 */
export interface RefreshQueue {
  send(names: readonly string[]): Promise<void>;
}

/** The names of each message. */
export const packNames = (names: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(names.length / namesPerMessage) }, (_, index) =>
    names.slice(index * namesPerMessage, (index + 1) * namesPerMessage),
  );

import type { IncomingMessage } from 'node:http';
import { Failure } from '../../../runtime/errors.ts';

export interface BodyLimits {
  /** Without a byte. */
  readonly idleMillis: number;
  /** Spent waiting for the network over the whole body, so that a trickle ends as well. */
  readonly bodyMillis: number;
  /** As sent, before decompression. */
  readonly bodyBytes: number;
}

/**
 * The body of an answer as it arrives. Time counts only while a reader waits: one that is busy with what it has
 * holds the server back and is no fault of it. Throws `source-timeout` (retry) and `source-answer-too-large`
 * (give-up), and what `translate` makes of broken connections; an answer that ends before its length is one.
 */
export async function* readBody(
  response: IncomingMessage,
  { limits, translate }: { limits: BodyLimits; translate: (error: unknown) => unknown },
): AsyncGenerator<Uint8Array> {
  const pieces: AsyncIterator<Uint8Array> = response[Symbol.asyncIterator]();
  let seenBytes = 0;
  let waitedMillis = 0;
  try {
    for (;;) {
      const since = performance.now();
      const millis = Math.min(limits.idleMillis, limits.bodyMillis - waitedMillis);
      const piece = await within(pieces.next(), millis);
      waitedMillis += performance.now() - since;
      if (piece.done) return;
      seenBytes += piece.value.length;
      if (seenBytes > limits.bodyBytes) throw tooLarge(limits.bodyBytes);
      yield piece.value;
    }
  } catch (error) {
    throw translate(error);
  } finally {
    response.destroy();
  }
}

export const tooLarge = (mostBytes: number) =>
  new Failure({
    code: 'source-answer-too-large',
    disposition: 'give-up',
    message: `an answer of the source has more than ${mostBytes} bytes; ask it for smaller pages`,
  });

async function within<T>(work: Promise<T>, millis: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow()), Math.max(0, millis));
  });
  // Whichever loses is not heard again.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const tooSlow = () =>
  new Failure({
    code: 'source-timeout',
    disposition: 'retry',
    message: 'the source stopped sending, or sends too slowly; ask for smaller pages or check its load',
  });

import { Failure } from '../../runtime/errors.ts';
import { quote } from '../problems.ts';

/**
 * Collects a body of at most `maximumBytes` and decodes it strictly as UTF-8 (a leading byte order mark is
 * dropped). Errors of the stream itself pass through.
 * @throws Failure `inventory-too-large`, `inventory-unreadable` (not UTF-8)
 */
export async function readBody(
  chunks: AsyncIterable<Uint8Array>,
  options: { readonly location: string; readonly maximumBytes: number },
): Promise<string> {
  const collected: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > options.maximumBytes) throw tooLarge(options.location, options.maximumBytes);
    collected.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(collected));
  } catch (cause) {
    throw new Failure({
      code: 'inventory-unreadable',
      disposition: 'give-up',
      message: `inventory ${quote(options.location)} is not UTF-8 text; save it as UTF-8`,
      cause,
    });
  }
}

export const tooLarge = (location: string, maximumBytes: number): Failure =>
  new Failure({
    code: 'inventory-too-large',
    disposition: 'give-up',
    message: `inventory ${quote(location)} has more than ${maximumBytes} bytes; split it`,
  });

/** No complete answer within the time allowed; the place may answer the next time. */
export const tooSlow = (location: string, cause: unknown): Failure =>
  new Failure({
    code: 'inventory-unreadable',
    disposition: 'retry',
    message: `inventory ${quote(location)} could not be read in time`,
    cause,
  });

import { Failure } from '../../runtime/errors.ts';
import type { RecordLimits } from './limits.ts';

/** First bytes by which containers and encodings other than UTF-8 text are known. */
const signatures: readonly { readonly what: string; readonly bytes: readonly number[] }[] = [
  { what: 'gzip', bytes: [0x1f, 0x8b] },
  { what: 'Zstandard', bytes: [0x28, 0xb5, 0x2f, 0xfd] },
  { what: 'zip', bytes: [0x50, 0x4b, 0x03, 0x04] },
  { what: 'bzip2', bytes: [0x42, 0x5a, 0x68] },
  { what: 'xz', bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { what: '7z', bytes: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c] },
  { what: 'Parquet', bytes: [0x50, 0x41, 0x52, 0x31] },
  { what: 'UTF-16', bytes: [0xff, 0xfe] },
  { what: 'UTF-16', bytes: [0xfe, 0xff] },
];
const byteOrderMark = [0xef, 0xbb, 0xbf];
const longestSignature = 6;

/**
 * The bytes of a UTF-8 text without the byte order mark at its start, if there is one (one only: a second is
 * data). Throws `text-encoding-unsupported` where they begin as an archive, Parquet or UTF-16 does: an archive
 * within an archive is never opened, and one that was not declared is not guessed at.
 */
export async function* readTextBytes(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array = new Uint8Array();
  let isHeadComplete = false;
  for await (const chunk of bytes) {
    if (isHeadComplete) {
      yield chunk;
      continue;
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    isHeadComplete = head.length >= longestSignature;
    if (isHeadComplete) yield inspectHead(head);
  }
  if (!isHeadComplete && head.length > 0) yield inspectHead(head);
}

function inspectHead(head: Uint8Array): Uint8Array {
  const found = signatures.find((signature) => startsWith(head, signature.bytes));
  if (found) {
    throw new Failure({
      code: 'text-encoding-unsupported',
      disposition: 'give-up',
      message: `the stream begins as ${found.what}, not as UTF-8 text; declare its one compression or convert it`,
    });
  }
  return startsWith(head, byteOrderMark) ? head.subarray(byteOrderMark.length) : head;
}

function startsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, index) => bytes[index] === byte);
}

/** Bounds what is decoded at once, however large the chunks of a source are. */
const sliceBytes = 64 * 1024;

/** `bytes` in slices of at most 64 KiB. Throws `total-bytes-exceeded` rather than hand out more than `totalBytes`. */
export async function* sliceBytesUpTo(
  bytes: AsyncIterable<Uint8Array>,
  { totalBytes }: Pick<RecordLimits, 'totalBytes'>,
): AsyncGenerator<Uint8Array> {
  let seenBytes = 0;
  for await (const chunk of bytes) {
    seenBytes += chunk.length;
    if (seenBytes > totalBytes) {
      throw new Failure({
        code: 'total-bytes-exceeded',
        disposition: 'give-up',
        message: `the stream holds more than ${totalBytes} bytes of text; split it or raise totalBytes`,
      });
    }
    for (let offset = 0; offset < chunk.length; offset += sliceBytes) {
      yield chunk.subarray(offset, offset + sliceBytes);
    }
  }
}

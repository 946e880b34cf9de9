/** One element of DER (X.690): its tag byte and its content. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
}

export const derTags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
} as const;

/** An element whose content is these parts one after the other. */
export function writeDer(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const digits = Buffer.from(length.toString(16).padStart(8, '0'), 'hex');
  const significant = digits.subarray(digits.findIndex((digit) => digit !== 0));
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | significant.length, ...significant];
  return Buffer.concat([Buffer.from(header), ...parts]);
}

/** The elements that stand side by side in `bytes`. @throws RangeError where they are cut short */
export function readDer(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const { start, end } = findContent(bytes, at);
    elements.push({ tag: bytes[at] ?? 0, content: bytes.subarray(start, end) });
    at = end;
  }
  return elements;
}

function findContent(bytes: Uint8Array, at: number): { start: number; end: number } {
  const first = bytes[at + 1] ?? 0x80;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + lengthBytes;
  // 0x80 alone is the indefinite length of BER, which DER has not; no certificate needs more than four bytes.
  if (first === 0x80 || lengthBytes > 4 || start > bytes.length)
    throw new RangeError(`no length at byte ${at}`);
  const length =
    lengthBytes === 0 ? first : bytes.subarray(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
  if (start + length > bytes.length) throw new RangeError(`the element at byte ${at} is cut short`);
  return { start, end: start + length };
}

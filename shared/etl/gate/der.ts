/** One tag-length-value of DER (X.690, 8.1 and 10.1) within a buffer that is not copied. */
export interface DerValue {
  readonly tag: number;
  /** With tag and length. */
  readonly whole: Buffer;
  readonly content: Buffer;
}

/** Tags that certificates and revocation lists are made of; `[n]` stands for `context(n)` or `constructed(n)`. */
export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;
export const context = (number: number): number => 0x80 | number;
export const constructed = (number: number): number => 0xa0 | number;

/** @throws RangeError where a value is cut off or its length is not one */
export function readDer(bytes: Buffer, offset = 0): DerValue {
  const first = byteAt(bytes, offset + 1);
  let start = offset + 2;
  let length = first;
  if (first >= 0x80) {
    const digits = first & 0x7f;
    if (digits < 1 || digits > 4) throw new RangeError('DER length is indefinite or too long');
    length = 0;
    for (let read = 0; read < digits; read += 1) length = length * 256 + byteAt(bytes, start + read);
    start += digits;
  }
  if (start + length > bytes.length) throw new RangeError('DER value is cut off');
  return {
    tag: byteAt(bytes, offset),
    whole: bytes.subarray(offset, start + length),
    content: bytes.subarray(start, start + length),
  };
}

/** The values within a constructed one, in order. */
export function* within({ content }: Pick<DerValue, 'content'>): Generator<DerValue, void> {
  for (let offset = 0; offset < content.length; ) {
    const value = readDer(content, offset);
    yield value;
    offset += value.whole.length;
  }
}

/** @throws RangeError where another tag, or nothing, stands */
export function expectTag(value: DerValue | undefined, ...tags: readonly number[]): DerValue {
  if (value === undefined || !tags.includes(value.tag)) throw new RangeError('DER holds another type');
  return value;
}

/** UTCTime and GeneralizedTime as RFC 5280, 4.1.2.5 allows them. @throws RangeError */
export function readTime(value: DerValue | undefined): Date {
  const { tag, content } = expectTag(value, derTags.utcTime, derTags.generalizedTime);
  const text = content.toString('latin1');
  const century = Number(text.slice(0, 2)) >= 50 ? '19' : '20';
  const digits = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(
    tag === derTags.utcTime ? century + text : text,
  );
  const [year, month, day, hour, minute, second] = (digits ?? []).slice(1);
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(time.getTime())) throw new RangeError('DER time is malformed');
  return time;
}

function byteAt(bytes: Buffer, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw new RangeError('DER value is cut off');
  return byte;
}

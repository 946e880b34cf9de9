import { Failure } from '../../runtime/errors.ts';

/*
 * The pieces of RFC 1035 messages that dns-packet does not offer: records of class NONE, raw record data, and
 * the byte offsets a signature needs.
 */

export const recordType = { soa: 6, txt: 16, tsig: 250, any: 255 } as const;
export const recordClass = { in: 1, none: 254, any: 255 } as const;
export const opcode = { query: 0, update: 5 } as const;
export const rcode = { noError: 0, formErr: 1, servFail: 2, notImp: 4, refused: 5, notAuth: 9, notZone: 10 };

export const headerBytes = 12;
const maxLabelBytes = 63;
const maxNameBytes = 255;
const maxTextBytes = 255;

export const opcodeOf = (message: Buffer): number => (message.readUInt8(2) >> 3) & 0xf;
export const rcodeOf = (message: Buffer): number => message.readUInt8(3) & 0xf;
export const isResponse = (message: Buffer): boolean => (message.readUInt8(2) & 0x80) !== 0;
export const isTruncated = (message: Buffer): boolean => (message.readUInt8(2) & 0x02) !== 0;

/**
 * A name in uncompressed wire form (RFC 1035, 3.1). Takes printable ASCII labels; the trailing dot is optional.
 * @throws Failure `challenge-dns-name-invalid`
 */
export function encodeName(name: string): Buffer {
  const labels = name === '.' || name === '' ? [] : name.replace(/\.$/, '').split('.');
  const parts = labels.map((label) => {
    if (!/^[!-[\]-~]+$/.test(label) || label.length > maxLabelBytes) throw invalidName(name);
    return Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'ascii')]);
  });
  const encoded = Buffer.concat([...parts, Buffer.from([0])]);
  if (encoded.length > maxNameBytes) throw invalidName(name);
  return encoded;
}

const invalidName = (name: string) =>
  new Failure({
    code: 'challenge-dns-name-invalid',
    disposition: 'give-up',
    message: `"${name.slice(0, 300)}" is no DNS name: labels take 1 to 63 characters, the whole at most 253`,
  });

/** TXT record data: the value in strings of at most 255 bytes (RFC 1035, 3.3.14). */
export function encodeTxt(value: string): Buffer {
  const bytes = Buffer.from(value);
  const strings: Buffer[] = [];
  for (let start = 0; start === 0 || start < bytes.length; start += maxTextBytes) {
    const text = bytes.subarray(start, start + maxTextBytes);
    strings.push(Buffer.from([text.length]), text);
  }
  return Buffer.concat(strings);
}

/** A resource record in wire form; `data` is its RDATA. */
export function encodeRecord(record: {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttlSeconds: number;
  readonly data: Buffer;
}): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(record.type, 0);
  fixed.writeUInt16BE(record.class, 2);
  fixed.writeUInt32BE(record.ttlSeconds, 4);
  fixed.writeUInt16BE(record.data.length, 8);
  return Buffer.concat([encodeName(record.name), fixed, record.data]);
}

export interface LocatedRecord {
  /** Offset of the record's first byte in its message. */
  readonly start: number;
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttlSeconds: number;
  readonly data: Buffer;
}

/**
 * The last record of the additional section, where signatures live; undefined if the section is empty.
 * @throws RangeError when the message is cut short, points forward or carries bytes behind its last record
 */
export function locateLastAdditional(message: Buffer): LocatedRecord | undefined {
  let offset = headerBytes;
  for (let left = message.readUInt16BE(4); left > 0; left--) offset = readName(message, offset).end + 4;
  const additionals = message.readUInt16BE(10);
  let last: LocatedRecord | undefined;
  for (let left = message.readUInt16BE(6) + message.readUInt16BE(8) + additionals; left > 0; left--) {
    const { name, end } = readName(message, offset);
    const dataStart = end + 10;
    const next = dataStart + message.readUInt16BE(end + 8);
    last = {
      start: offset,
      name,
      type: message.readUInt16BE(end),
      class: message.readUInt16BE(end + 2),
      ttlSeconds: message.readUInt32BE(end + 4),
      data: message.subarray(dataStart, next),
    };
    offset = next;
  }
  if (offset !== message.length) throw new RangeError('the message does not end with its last record');
  return additionals > 0 ? last : undefined;
}

/**
 * Reads a name, following compression pointers backwards only, so that no message can make it loop.
 * @throws RangeError on a malformed name
 */
export function readName(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let offset = start;
  let end: number | undefined;
  let bound = start;
  for (let bytes = 1; bytes <= maxNameBytes; ) {
    const length = message.readUInt8(offset);
    if (length === 0) return { name: labels.join('.'), end: end ?? offset + 1 };
    if (length >= 0xc0) {
      end ??= offset + 2;
      offset = message.readUInt16BE(offset) & 0x3fff;
      if (offset >= bound) throw new RangeError('a name points forward');
      bound = offset;
    } else {
      if (length > maxLabelBytes || offset + 1 + length > message.length) throw new RangeError('bad label');
      labels.push(message.toString('latin1', offset + 1, offset + 1 + length));
      offset += 1 + length;
      bytes += 1 + length;
    }
  }
  throw new RangeError('a name is longer than 255 bytes');
}

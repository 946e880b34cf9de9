import { createHash } from 'node:crypto';

/** A value that was looked for, as it was found. */
export interface ByteFinding {
  readonly value: string;
  /** `utf-8`, `base64`, `sha256 hex`, …; of a value that reads the same in several, the first. */
  readonly form: string;
  /** In bytes; where it begins. */
  readonly offset: number;
}

export interface ByteScanner {
  /** Distinct byte strings that are looked for. */
  readonly patterns: number;
  /** The first finding of each value. */
  scan(bytes: Uint8Array): readonly ByteFinding[];
}

interface Pattern {
  readonly value: string;
  readonly form: string;
  readonly bytes: Buffer;
}

/** Bytes that a pattern is recognised by, before it is compared as a whole. */
const prefixBytes = 8;
const filterBits = 22;
/** Shorter ones would be found by chance, or not at all in base64. */
const shortestCharacters = 9;

/**
 * Finds values in bytes whatever they were written as: text in several encodings and escapes, base64 wherever it
 * began, hexadecimal, and digests without a key. Letters A to Z match in either case.
 */
export function createByteScanner(values: Iterable<string>): ByteScanner {
  const byPrefix = new Map<string, Pattern[]>();
  const known = new Set<string>();
  const filter = new Uint8Array(1 << filterBits);
  for (const value of values) {
    if (value.length < shortestCharacters) throw new Error(`"${value}" is too short to be told from chance`);
    for (const [form, written] of formsOf(value)) {
      const bytes = fold(written);
      const text = bytes.toString('latin1');
      if (known.has(text)) continue;
      known.add(text);
      const prefix = text.slice(0, prefixBytes);
      const others = byPrefix.get(prefix);
      if (others) others.push({ value, form, bytes });
      else byPrefix.set(prefix, [{ value, form, bytes }]);
      filter[slotOf(bytes.readUInt32BE(0), bytes.readUInt32BE(4))] = 1;
    }
  }
  return {
    patterns: known.size,
    scan(haystack) {
      const folded = fold(haystack);
      const found = new Map<string, ByteFinding>();
      let older = 0;
      let newer = 0;
      for (let end = 0; end < folded.length; end += 1) {
        older = (older << 8) | (newer >>> 24);
        newer = (newer << 8) | (folded[end] ?? 0);
        if (filter[slotOf(older, newer)] === 0 || end < prefixBytes - 1) continue;
        const offset = end + 1 - prefixBytes;
        for (const { value, form, bytes } of byPrefix.get(folded.toString('latin1', offset, end + 1)) ?? [])
          if (!found.has(value) && folded.subarray(offset, offset + bytes.length).equals(bytes))
            found.set(value, { value, form, offset });
      }
      return [...found.values()];
    },
  };
}

const slotOf = (older: number, newer: number): number =>
  (Math.imul(older, 0x9e3779b1) ^ Math.imul(newer, 0x85ebca6b)) >>> (32 - filterBits);

const lowerOf = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));

function fold(bytes: Uint8Array): Buffer {
  const folded = Buffer.allocUnsafe(bytes.length);
  for (let index = 0; index < bytes.length; index += 1) folded[index] = lowerOf[bytes[index] ?? 0] ?? 0;
  return folded;
}

function* formsOf(value: string): Generator<readonly [form: string, bytes: Buffer]> {
  const texts = new Set([
    value,
    value.toLowerCase(),
    value.toUpperCase(),
    value.normalize('NFC'),
    value.normalize('NFD'),
  ]);
  for (const text of texts) yield* textForms(text);
  for (const text of texts) yield* digestForms(text);
}

function* textForms(text: string): Generator<readonly [form: string, bytes: Buffer]> {
  const utf8 = Buffer.from(text);
  const utf16 = Buffer.from(text, 'utf16le');
  yield ['utf-8', utf8];
  yield ['utf-16le', utf16];
  yield ['utf-16be', Buffer.from(utf16).swap16()];
  const latin = Buffer.from(text, 'latin1');
  if (latin.toString('latin1') === text) yield ['latin-1', latin];
  yield ['hex', Buffer.from(utf8.toString('hex'))];
  const url = encodeURIComponent(text);
  yield ['url-encoded', Buffer.from(url)];
  yield ['form-encoded', Buffer.from(url.replaceAll('%20', '+'))];
  yield ['url-encoded twice', Buffer.from(encodeURIComponent(url))];
  yield ['json-escaped', Buffer.from(text.replaceAll(/[^ -~]/g, unicodeEscape))];
  yield ['json-escaped twice', Buffer.from(text.replaceAll(/[^ -~]/g, (each) => `\\${unicodeEscape(each)}`))];
  for (const [form, bytes] of [
    ['base64', utf8],
    ['base64 of utf-16le', utf16],
  ] as const)
    for (const shift of [0, 1, 2]) {
      const written = base64From(bytes, shift);
      yield [form, Buffer.from(written)];
      yield [`${form}url`, Buffer.from(written.replaceAll('+', '-').replaceAll('/', '_'))];
    }
}

const unicodeEscape = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The characters that are the same whatever stands before, at this shift, and after. */
function base64From(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
  return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
}

function* digestForms(text: string): Generator<readonly [form: string, bytes: Buffer]> {
  for (const algorithm of ['sha256', 'sha1', 'md5']) {
    const digest = createHash(algorithm).update(text).digest();
    yield [`${algorithm} bytes`, digest];
    yield [`${algorithm} hex`, Buffer.from(digest.toString('hex'))];
    for (const encoding of ['base64', 'base64url'] as const)
      yield [`${algorithm} base64`, Buffer.from(digest.toString(encoding).replaceAll('=', ''))];
  }
}

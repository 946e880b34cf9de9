import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createByteScanner } from './byte-scan.ts';

const value = 'Søren Žikplo+1@example.com';
const scanner = createByteScanner([value, 'another planted value']);
const around = (bytes: Uint8Array | string) =>
  Buffer.concat([randomBytes(1001), Buffer.from(bytes as string), randomBytes(77)]);
const digest = (algorithm: string, text: string) => createHash(algorithm).update(text).digest();
const utf16 = Buffer.from(value, 'utf16le');

const forms: readonly (readonly [string, Uint8Array | string])[] = [
  ['utf-8', value],
  ['utf-8', value.toUpperCase()],
  ['utf-8', value.toLowerCase()],
  ['utf-8', value.normalize('NFD')],
  ['utf-16le', utf16],
  ['utf-16be', Buffer.from(utf16).swap16()],
  ['hex', Buffer.from(value).toString('hex')],
  ['hex', Buffer.from(value).toString('hex').toUpperCase()],
  ['url-encoded', encodeURIComponent(value)],
  ['url-encoded', encodeURIComponent(value).toLowerCase()],
  ['form-encoded', new URLSearchParams([['', value]]).toString().slice(1)],
  ['url-encoded twice', encodeURIComponent(encodeURIComponent(value))],
  ['json-escaped', value.replace('ø', '\\u00f8').replace('Ž', '\\u017D')],
  ['json-escaped twice', value.replace('ø', '\\\\u00f8').replace('Ž', '\\\\u017D')],
  ['base64 of utf-16le', utf16.toString('base64')],
  ['sha256 bytes', digest('sha256', value)],
  ['sha256 hex', digest('sha256', value).toString('hex')],
  ['sha256 hex', digest('sha256', value.toLowerCase()).toString('hex').toUpperCase()],
  ['sha256 base64', digest('sha256', value).toString('base64')],
  ['sha256 base64', digest('sha256', value).toString('base64url')],
  ['sha1 hex', digest('sha1', value.toUpperCase()).toString('hex')],
  ['md5 hex', digest('md5', value).toString('hex')],
];

describe('the byte scanner', () => {
  it.each(forms)('finds a value as %s', (form, written) => {
    expect(scanner.scan(around(written))).toEqual([{ value, form, offset: 1001 }]);
  });

  it.each([0, 1, 2, 3, 4])('finds a value in base64 that began %i bytes before it', (before) => {
    for (const encoding of ['base64', 'base64url'] as const) {
      const text = Buffer.concat([randomBytes(before), Buffer.from(`${value} and more`)]).toString(encoding);
      expect(scanner.scan(around(text)).map((finding) => finding.value)).toEqual([value]);
    }
  });

  it('finds a value at the very beginning and at the very end', () => {
    expect(scanner.scan(Buffer.from(value))).toHaveLength(1);
    expect(scanner.scan(Buffer.from(`...${value}`))).toHaveLength(1);
  });

  it('finds every value, and each once', () => {
    const bytes = around(`${value}, another planted value, ${value}`);
    expect(scanner.scan(bytes).map((finding) => finding.value)).toEqual([value, 'another planted value']);
  });

  it('finds nothing in random bytes, nor a value that was cut short', () => {
    expect(scanner.scan(randomBytes(4_000_000))).toEqual([]);
    expect(scanner.scan(around(value.slice(0, -1)))).toEqual([]);
  });

  it('refuses a value that chance would bring', () => {
    expect(() => createByteScanner(['short'])).toThrow('too short');
  });
});

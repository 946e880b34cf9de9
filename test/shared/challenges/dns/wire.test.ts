import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeUpdate } from '../../../../shared/challenges/dns/update.ts';
import {
  encodeName,
  encodeTxt,
  locateLastAdditional,
  readName,
} from '../../../../shared/challenges/dns/wire.ts';

const label = fc.stringMatching(/^[a-z0-9_]([a-z0-9_-]{0,20}[a-z0-9])?$/);
const name = fc.array(label, { minLength: 1, maxLength: 8 }).map((labels) => labels.join('.'));

describe('DNS names', () => {
  it('come back as they were encoded', () => {
    fc.assert(
      fc.property(name, (text) => {
        const encoded = encodeName(text);
        expect(readName(encoded, 0)).toEqual({ name: text, end: encoded.length });
      }),
    );
  });

  it('are the same with and without the trailing dot', () => {
    expect(encodeName('example.com.')).toEqual(encodeName('example.com'));
  });

  it.each([
    ['a..b'],
    [`${'a'.repeat(64)}.com`],
    [Array(5).fill('a'.repeat(60)).join('.')],
    ['bücher.example'],
    ['a b.c'],
  ])('are refused when malformed: %s', (text) => {
    expect(() => encodeName(text)).toThrow(expect.objectContaining({ code: 'challenge-dns-name-invalid' }));
  });

  it('cannot loop by compression pointers', () => {
    expect(() => readName(Buffer.from([0xc0, 0x00]), 0)).toThrow(RangeError);
    expect(() => readName(Buffer.from([1, 97, 0xc0, 0x00]), 0)).toThrow(RangeError);
  });
});

describe('TXT updates', () => {
  it('are read by a DNS decoder as what was asked', () => {
    const verb = fc.constantFrom('add' as const, 'remove' as const);
    const value = fc.string({ unit: 'binary', maxLength: 700 });
    fc.assert(
      fc.property(name, verb, value, (fqdn, chosen, text) => {
        const change = { verb: chosen, record: { fqdn, value: text }, ttlSeconds: 60 };
        const { authorities = [], questions } = decode(encodeUpdate({ id: 7, zone: 'example.com', change }));
        expect(questions).toEqual([{ name: 'example.com', type: 'SOA', class: 'IN' }]);
        const [record] = authorities;
        if (record?.type !== 'TXT') throw new Error('no TXT record');
        expect(record).toMatchObject({ name: fqdn, class: chosen === 'add' ? 'IN' : 'UNKNOWN_254' });
        expect(Buffer.concat(record.data as Buffer[]).toString()).toBe(Buffer.from(text).toString());
      }),
    );
  });

  it('hold an empty value as one empty string', () => {
    expect(encodeTxt('')).toEqual(Buffer.from([0]));
  });
});

describe('the last additional record', () => {
  const packet = { type: 'query', id: 1, questions: [{ type: 'A', name: 'example.com' }] } as const;

  it('is found behind every other section', () => {
    const message = encode({
      ...packet,
      questions: [...packet.questions],
      additionals: [
        { type: 'A', name: 'a.example', data: '192.0.2.1' },
        { type: 'TXT', name: 'b.example', data: 'x' },
      ],
    });
    expect(locateLastAdditional(message)).toMatchObject({ name: 'b.example', type: 16 });
  });

  it('is absent where there is none, and an error where the message is cut or padded', () => {
    const message = encode({ ...packet, questions: [...packet.questions] });
    expect(locateLastAdditional(message)).toBeUndefined();
    expect(() => locateLastAdditional(message.subarray(0, message.length - 1))).toThrow(RangeError);
    expect(() => locateLastAdditional(Buffer.concat([message, Buffer.from([0])]))).toThrow(RangeError);
  });
});

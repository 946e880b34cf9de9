import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CanonicalValue, canonicalJson } from '../../../shared/audit/canonical-json.ts';

describe('canonical JSON', () => {
  it('sorts names by their UTF-16 units, as in RFC 8785, 3.2.3', () => {
    const unsorted = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      1: 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(Object.values(JSON.parse(canonicalJson(unsorted)))).toEqual([
      // An integer-like name comes first in every object of the language.
      'One',
      'Carriage Return',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
    expect(canonicalJson({ b: 1, 10: 2, 9: 3, a: 4 })).toBe('{"10":2,"9":3,"a":4,"b":1}');
  });

  it('escapes as RFC 8785, 3.2.2.2 has it, and nothing more', () => {
    expect(canonicalJson('\u20ac$\u000f\nA\'B"\\/\b\f\t\u007f\u2028')).toBe(
      '"\u20ac$\\u000f\\nA\'B\\"\\\\/\\b\\f\\t\u007f\u2028"',
    );
  });

  it('writes literals, integers and empty things in one way', () => {
    const value = { a: null, b: true, c: false, d: -0, e: 9007199254740991, f: [], g: {}, h: undefined };
    expect(canonicalJson(value)).toBe(
      '{"a":null,"b":true,"c":false,"d":0,"e":9007199254740991,"f":[],"g":{}}',
    );
  });

  it.each<[string, unknown]>([
    ['a fraction', 0.1],
    ['an integer that a double may have rounded', 2 ** 53],
    ['infinity', Number.POSITIVE_INFINITY],
    ['no number', Number.NaN],
    ['half of a surrogate pair', '\ud800'],
    ['half of a pair in a name', { '\udc00': 1 }],
    ['a big integer', 1n],
    ['an instant', new Date(0)],
    ['a map', new Map()],
    ['undefined in a list', [undefined]],
  ])('refuses %s, naming the place', (_, value) => {
    const nested = { 'a/b': [value] } as unknown as CanonicalValue;
    expect(() => canonicalJson(nested)).toThrow(expect.objectContaining({ code: 'not-canonical' }));
    expect(() => canonicalJson(nested)).toThrow(/"\/a~1b\/0/);
  });

  it('is the same for the same value however it was built, and reads back as it', () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constant(null),
        fc.boolean(),
        fc.maxSafeInteger(),
        fc.string({ unit: 'binary' }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ unit: 'binary' }), tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    const reversed = (each: unknown): unknown => {
      if (Array.isArray(each)) return each.map(reversed);
      if (typeof each !== 'object' || each === null) return each;
      return Object.fromEntries(
        Object.entries(each)
          .reverse()
          .map(([name, member]) => [name, reversed(member)]),
      );
    };
    fc.assert(
      fc.property(value, (each) => {
        const text = canonicalJson(each as CanonicalValue);
        expect(canonicalJson(reversed(each) as CanonicalValue)).toBe(text);
        expect(JSON.stringify(JSON.parse(text)).length).toBe(text.length);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });
});

import { createHmac, createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKeyedHash } from '../../../../shared/etl/transforms/keyed-hash.ts';
import { maskText } from '../../../../shared/etl/transforms/mask.ts';
import { normalisePii } from '../../../../shared/etl/transforms/normalise-pii.ts';
import { createSeenKeys } from '../../../../shared/etl/transforms/seen-keys.ts';

describe('the keyed hash', () => {
  it('is HMAC-SHA-256 for any key and text, short and long', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 130 }),
        fc.oneof(
          fc.string({ unit: 'grapheme', maxLength: 400 }),
          fc.string({ minLength: 300, maxLength: 2_000 }),
        ),
        (keyBytes, text) => {
          const key = createSecretKey(keyBytes);
          const expected = createHmac('sha256', key).update(text).digest('base64url');
          expect(createKeyedHash(key)(text, 'base64url')).toBe(expected);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('meets test case 2 of RFC 4231', () => {
    const hash = createKeyedHash(createSecretKey(Buffer.from('Jefe')));
    expect(hash('what do ya want for nothing?', 'hex')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  it('does not remember a longer text in a shorter one', () => {
    const hash = createKeyedHash(createSecretKey(Buffer.alloc(32, 9)));
    const before = hash('short', 'hex');
    hash('a much longer text than before', 'hex');
    expect(hash('short', 'hex')).toBe(before);
  });
});

describe('normalisation', () => {
  it.each([
    ['email', ' Ada@Example.COM\u00a0', 'ada@example.com'],
    ['email', 'a.da+x@example.com', 'a.da+x@example.com'],
    ['phone', '+49 (170) 123-45 67', '+491701234567'],
    ['phone', '0049 170 1234567', '+491701234567'],
    ['phone', '＋４９ １７０', '+49170'],
    ['phone', '0170 1234567', '01701234567'],
    ['phone', '+', ''],
    ['name', '  ADA   Lovelace ', 'ada lovelace'],
    ['name', 'Zoe\u0308', 'zoë'],
    ['generic', ' AbC ', 'AbC'],
  ] as const)('of %s reads %j as %j', (kind, text, expected) => {
    expect(normalisePii[kind](text)).toBe(expected);
  });

  it('changes nothing more when it is done twice', () => {
    const kinds = Object.values(normalisePii);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        for (const normalise of kinds) expect(normalise(normalise(text))).toBe(normalise(text));
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('a mask', () => {
  it.each([
    [{ kind: 'all' }, 'Ada Lovelace', '****'],
    [{ kind: 'first', characters: 1 }, 'Ada', 'A****'],
    [{ kind: 'last', characters: 4 }, '4111111111111111', '****1111'],
    [{ kind: 'last', characters: 4 }, '41111', '****'],
    [{ kind: 'first', characters: 2 }, '🚲🚲🚲🚲', '🚲🚲****'],
    [{ kind: 'email' }, 'ada@example.com', 'a****@example.com'],
    [{ kind: 'email' }, 'a@example.com', '****'],
    [{ kind: 'email' }, 'no address', '****'],
    [{ kind: 'first', characters: 1 }, '', '****'],
  ] as const)('%j shows %j as %j', (show, text, expected) => {
    expect(maskText(text, show)).toBe(expected);
  });
});

describe('the keys of a window', () => {
  it('are found again and told apart, through growth', () => {
    const seen = createSeenKeys(Math.random);
    for (let n = 0; n < 20_000; n++) expect(seen.add(`key ${n}`)).toBe(true);
    for (let n = 0; n < 20_000; n += 7) expect(seen.add(`key ${n}`)).toBe(false);
    expect(seen.size).toBe(20_000);
  });
});

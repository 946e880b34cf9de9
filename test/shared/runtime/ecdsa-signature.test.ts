import { createSign, generateKeyPairSync, verify } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toRawSignature } from '../../../shared/runtime/ecdsa-signature.ts';
import { encodeDer } from '../acme/fake-kms.ts';

/** Up to 32 bytes, often with leading zeros or a high bit. */
const anInteger = fc
  .tuple(fc.integer({ min: 0, max: 31 }), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([zeros, bytes]) => BigInt(`0x${Buffer.from(bytes.fill(0, 0, zeros)).toString('hex')}`));

describe('a DER signature', () => {
  it('becomes r and s of 32 bytes each, whatever zeros DER dropped or added', () => {
    fc.assert(
      fc.property(anInteger, anInteger, (r, s) => {
        const raw = toRawSignature(encodeDer([r, s]), 32);
        const expected = [r, s].map((value) => value.toString(16).padStart(64, '0')).join('');
        expect(raw.toString('hex')).toBe(expected);
      }),
      { numRuns: 10_000 },
    );
  });

  it('means to node:crypto what it meant before, in 10,000 signatures', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    let short = 0;
    for (let index = 0; index < 10_000; index++) {
      const message = Buffer.from(`message ${index}`);
      const der = createSign('sha256').update(message).sign(privateKey);
      const raw = toRawSignature(der, 32);
      if (raw[0] === 0 || raw[32] === 0) short += 1;
      const same = verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, raw);
      if (!same) throw new Error(`${der.toString('hex')} became ${raw.toString('hex')}`);
    }
    // The cases it is about did occur: each has a chance of 1 in 128.
    expect(short).toBeGreaterThan(20);
  });

  it.each([
    ['nothing', ''],
    ['another tag', '3106020101020101'],
    ['a length beyond its end', '3008020101020101'],
    ['a third integer', '3009020101020101020101'],
    ['bytes after its end', '300602010102010100'],
    ['an integer too long', `3026022101${'00'.repeat(32)}020101`],
    ['an empty integer', '30050200020101'],
    ['a long length', '308106020101020101'],
  ])('is refused when it is %s', (_, hex) => {
    expect(() => toRawSignature(Buffer.from(hex, 'hex'), 32)).toThrow(RangeError);
  });
});

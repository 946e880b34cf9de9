import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DataKey } from '../../../../shared/etl/cells/data-keys.ts';
import {
  createObjectSealer,
  deriveObjectKey,
  keyIdOfObject,
  openObject,
  sealObject,
} from '../../../../shared/etl/objects/sealed-object.ts';

interface Vectors {
  readonly dataKeyHex: string;
  readonly keyId: string;
  readonly objectKeyHex: string;
  readonly objects: readonly {
    readonly name: string;
    readonly objectKey: string;
    readonly ivHex: string;
    readonly plaintextHex: string;
    readonly sealedHex: string;
  }[];
}

const vectors = JSON.parse(readFileSync(new URL('sealed-vectors.json', import.meta.url), 'utf8')) as Vectors;

const aKey = (changes: Partial<DataKey> = {}): DataKey => ({
  keyId: vectors.keyId,
  wrapped: '',
  purpose: { pipeline: 'orders', table: 'orders', runId: 'run-1' },
  plaintext: Buffer.from(vectors.dataKeyHex, 'hex'),
  ...changes,
});
const address = { key: 'raw/orders/run-1/00000' };
const plaintext = Buffer.from('{"id":1}\n');
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** A source that yields exactly these bytes as 32-bit fractions. */
function randomOf(bytes: Buffer): () => number {
  const words = [0, 4, 8].map((at) => bytes.readUInt32BE(at) / 2 ** 32);
  return () => words.shift() ?? 0;
}

describe('sealed object format v1', () => {
  it.each(vectors.objects.map((vector) => [vector.name, vector] as const))(
    'meets its vector: %s',
    (_, vector) => {
      const bytes = Buffer.from(vector.plaintextHex, 'hex');
      const at = { key: vector.objectKey };
      const seal = createObjectSealer(randomOf(Buffer.from(vector.ivHex, 'hex')));
      expect(hex(seal(aKey(), at, bytes))).toBe(vector.sealedHex);
      expect(hex(openObject(aKey(), at, Buffer.from(vector.sealedHex, 'hex')))).toBe(vector.plaintextHex);
    },
  );

  it('derives the key of objects as its vector says', () => {
    expect(hex(deriveObjectKey(aKey().plaintext))).toBe(vectors.objectKeyHex);
  });

  it('opens to what was sealed, wherever that is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.string({ unit: 'binary' }), (bytes, key) => {
        const sealed = sealObject(aKey(), { key }, bytes);
        expect(hex(openObject(aKey(), { key }, sealed))).toBe(hex(bytes));
        expect(sealed.length).toBe(bytes.length + 33 + vectors.keyId.length);
      }),
    );
  });

  it('opens where it lies inside other bytes', () => {
    const sealed = sealObject(aKey(), address, plaintext);
    const around = Buffer.concat([randomBytes(7), sealed, randomBytes(5)]);
    const inside = new Uint8Array(around.buffer, around.byteOffset + 7, sealed.length);
    expect(hex(openObject(aKey(), address, inside))).toBe(hex(plaintext));
  });

  it('differs each time and hides what it holds', () => {
    const [one, other] = [sealObject(aKey(), address, plaintext), sealObject(aKey(), address, plaintext)];
    expect(hex(one)).not.toBe(hex(other));
    expect(Buffer.from(one).includes(plaintext)).toBe(false);
  });

  it('names the key it asks for', () => {
    expect(keyIdOfObject(sealObject(aKey({ keyId: 'k' }), address, plaintext))).toBe('k');
    expect(keyIdOfObject(sealObject(aKey({ keyId: 'k'.repeat(64) }), address, plaintext))).toHaveLength(64);
  });

  it.each(['', 'k'.repeat(65), 'k|', 'ä'])('refuses to seal under a key named %j', (keyId) => {
    expect(() => sealObject(aKey({ keyId }), address, plaintext)).toThrow(
      expect.objectContaining({ code: 'object-key-unnamed', disposition: 'bug' }),
    );
  });
});

describe('a sealed object does not open', () => {
  const refused = expect.objectContaining({ code: 'object-refused', disposition: 'give-up' });

  it('at another place', () => {
    const sealed = sealObject(aKey(), address, plaintext);
    expect(() => openObject(aKey(), { key: 'raw/orders/run-2/00000' }, sealed)).toThrow(refused);
  });

  it('under another key, which it names', () => {
    const sealed = sealObject(aKey(), address, plaintext);
    expect(() => openObject(aKey({ keyId: 'other' }), address, sealed)).toThrow(
      expect.objectContaining({ code: 'object-sealed-otherwise', disposition: 'give-up' }),
    );
    expect(() => openObject(aKey({ plaintext: randomBytes(32) }), address, sealed)).toThrow(refused);
  });

  it('with one bit of it changed, wherever that is', () => {
    const sealed = sealObject(aKey(), address, plaintext);
    for (let at = 0; at < sealed.length; at++) {
      const altered = Uint8Array.from(sealed);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(() => openObject(aKey(), address, altered)).toThrow(
        expect.objectContaining({
          code: expect.stringMatching(/^object-(refused|sealed-otherwise)$/),
        }),
      );
    }
  });

  it('cut short, at any length', () => {
    const sealed = sealObject(aKey(), address, plaintext);
    for (let length = 0; length < sealed.length; length++) {
      expect(() => openObject(aKey(), address, sealed.subarray(0, length))).toThrow(refused);
    }
  });

  it('where it never was one', () => {
    expect(() => keyIdOfObject(Buffer.from('{"id":1}'))).toThrow(refused);
  });

  it('telling nobody what it holds', () => {
    const sealed = sealObject(aKey(), address, Buffer.from('ada@example.com'));
    sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
    try {
      openObject(aKey(), address, sealed);
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('ada');
    }
  });
});

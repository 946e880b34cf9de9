import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { chainStart, linkEvent } from '../../../shared/audit/event.ts';
import { digestOfRecord, type RunRecord, signRunRecord } from '../../../shared/audit/run-record.ts';
import { createPemSigner, trustKey } from '../../../shared/audit/signer.ts';
import { verifyRunRecord } from '../../../shared/audit/verify-run-record.ts';
import { aRunRecord } from './run-record-builder.ts';

const asPem = ({ privateKey, publicKey }: KeyPairKeyObjectResult) => ({
  privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
});
const pairs = {
  Ed25519: asPem(generateKeyPairSync('ed25519')),
  ES256: asPem(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
};
const signer = createPemSigner(pairs.Ed25519.privateKey);
const trustedKeys = [trustKey(pairs.Ed25519.publicKey), trustKey(pairs.ES256.publicKey)];
const codes = (candidate: unknown, evidence = { trustedKeys }) =>
  verifyRunRecord(candidate, evidence).map(({ code }) => code);
const signedAs = (overrides: Partial<RunRecord>) => signRunRecord(aRunRecord(overrides), signer);

describe('a signed run record', () => {
  it.each(['Ed25519', 'ES256'] as const)(
    'that %s has signed is found good, also after a way as JSON',
    async (algorithm) => {
      const signed = await signRunRecord(aRunRecord(), createPemSigner(pairs[algorithm].privateKey));
      expect(signed.signature.algorithm).toBe(algorithm);
      expect(codes(JSON.parse(JSON.stringify(signed)))).toEqual([]);
    },
  );

  it.each<[string, Partial<RunRecord>]>([
    ['pipeline', { pipeline: 'refunds' }],
    ['load', { loadId: 'b'.repeat(64) }],
    ['configuration', { configHash: 'decaf' }],
    ['source', { sourceVersions: ['raw/0.ndjson@v9'] }],
    ['list of keys', { keyIds: [] }],
    ['list of certificates', { certificates: [] }],
    ['list of connections', { connections: [] }],
  ])('is found out when its %s is changed', async (_, change) => {
    const signed = await signedAs({});
    expect(codes({ ...signed, record: { ...signed.record, ...change } })).toEqual(['signature-invalid']);
  });

  it('is found out at every byte of its signature', async () => {
    const signed = await signedAs({});
    const bytes = Buffer.from(signed.signature.value, 'base64url');
    for (const index of bytes.keys()) {
      const value = Buffer.from(bytes);
      value[index] = (value[index] ?? 0) ^ 1;
      const forged = { ...signed, signature: { ...signed.signature, value: value.toString('base64url') } };
      expect(codes(forged)).toEqual(['signature-invalid']);
    }
  });

  it('of a signer nobody trusts, or under the name of one that is, is refused', async () => {
    const stranger = createPemSigner(asPem(generateKeyPairSync('ed25519')).privateKey);
    expect(codes(await signRunRecord(aRunRecord(), stranger))).toEqual(['signer-unknown']);
    const posing = await signRunRecord(aRunRecord(), { ...stranger, keyId: signer.keyId });
    expect(codes(posing)).toEqual(['signature-invalid']);
  });

  it('is checked by the algorithm of the trusted key, whatever it names', async () => {
    const signed = await signedAs({});
    expect(codes({ ...signed, signature: { ...signed.signature, algorithm: 'ES256' } })).toEqual([]);
  });

  it('is held to its own sums, its chunks and its peers, even when it was signed so', async () => {
    const { counts, chunks, connections } = aRunRecord();
    expect(codes(await signedAs({ counts: { ...counts, extracted: 19 } }))).toEqual(['counts-differ']);
    expect(codes(await signedAs({ counts: { ...counts, lost: 1 } }))).toEqual(['counts-differ']);
    const [first] = chunks;
    if (!first) throw new Error('two chunks');
    expect(codes(await signedAs({ chunks: [...chunks, { ...first, counts: {} }] }))).toEqual([
      'chunks-repeated',
    ]);
    const unverified = connections.map((each) => ({ ...each, verified: false }));
    expect(codes(await signedAs({ connections: unverified }))).toEqual(['peer-unverified']);
  });

  it('is held to the audit chain it names the end of', async () => {
    const draft = { id: 'r/loaded', kind: 'run-loaded', at: new Date(0), facts: { rows: 12 } };
    const event = linkEvent('orders', chainStart, draft);
    const later = linkEvent('orders', event, { ...draft, id: 's/loaded' });
    const signed = await signedAs({ audit: { seq: 1, hash: event.hash } });
    const against = (events: readonly (typeof event)[]) =>
      verifyRunRecord(signed, { trustedKeys, events }).map(({ code }) => code);
    expect(against([event, later])).toEqual([]);
    expect(against([])).toEqual(['audit-differs']);
    expect(against([{ ...event, facts: { rows: 13 } }])).toEqual(['audit-differs']);
  });

  it.each([
    ['nothing', null],
    ['text', 'record'],
    ['another version', { record: { ...aRunRecord(), version: 2 } }],
    ['a member nobody knows', { record: { ...aRunRecord(), note: 'x' } }],
    ['a count below zero', { record: aRunRecord({ counts: { extracted: -1 } }) }],
  ])('that is %s is malformed', async (_, candidate) => {
    const { signature } = await signedAs({});
    const whole = typeof candidate === 'object' && candidate ? { signature, ...candidate } : candidate;
    expect(codes(whole)).toEqual(['record-malformed']);
  });

  it('has a digest that an audit event can name it by', () => {
    expect(digestOfRecord(aRunRecord())).toMatch(/^[0-9a-f]{64}$/);
    expect(digestOfRecord(aRunRecord({ runId: 'other' }))).not.toBe(digestOfRecord(aRunRecord()));
  });
});

describe('a signing key', () => {
  it.each([
    ['RSA', asPem(generateKeyPairSync('rsa', { modulusLength: 2048 }))],
    ['P-384', asPem(generateKeyPairSync('ec', { namedCurve: 'P-384' }))],
  ])('of %s is refused', (_, { privateKey, publicKey }) => {
    const unusable = expect.objectContaining({ code: 'signing-key-unusable' });
    expect(() => createPemSigner(privateKey)).toThrow(unusable);
    expect(() => trustKey(publicKey)).toThrow(unusable);
  });

  it('that is none is refused without being quoted', () => {
    expect(() => createPemSigner('-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n')).toThrow(
      expect.objectContaining({
        code: 'signing-key-unusable',
        message: expect.not.stringContaining('c2VjcmV0'),
      }),
    );
  });
});

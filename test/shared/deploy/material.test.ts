import { beforeAll, describe, expect, it } from 'vitest';
import { checkPair, createMaterial, splitChain } from '../../../shared/deploy/material.ts';
import { createTestCa, type TestCa, type TestPair } from '../../support/test-ca.ts';

describe('certificate material', () => {
  let ca: TestCa;
  let pair: TestPair;
  beforeAll(async () => {
    ca = await createTestCa();
    pair = await ca.issue({ domains: ['example.com'] });
  });

  it('parts a chain into its leaf and the rest', () => {
    expect(splitChain(pair.fullchainPem)).toEqual({ leafPem: pair.leafPem, chainPem: ca.issuerPem });
  });

  it('has an empty chain where the CA sent the leaf alone', () => {
    expect(splitChain(pair.leafPem).chainPem).toBe('');
  });

  it('reads carriage returns, comments between the blocks and a missing last line feed', () => {
    const text = `# leaf\r\n${pair.leafPem.replaceAll('\n', '\r\n')}\r\n# issuer\r\n${ca.issuerPem.trimEnd()}`;
    expect(splitChain(text)).toEqual({ leafPem: pair.leafPem, chainPem: ca.issuerPem });
  });

  it.each(['', 'not a chain', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    'refuses %j as a chain',
    (text) => {
      expect(() => splitChain(text)).toThrow(expect.objectContaining({ code: 'invalid-chain' }));
    },
  );

  it('names the place of a certificate in the chain that cannot be read', () => {
    const broken = `${pair.leafPem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`;
    expect(() => splitChain(broken)).toThrow(/unreadable certificate at 1/);
  });

  it('accepts a leaf with its own key', () => {
    expect(createMaterial({ name: 'example.com', ...pair })).toMatchObject(pair);
  });

  it('refuses another certificate\u2019s key without showing it', async () => {
    const { privateKeyPem } = await ca.issue({ domains: ['example.com'] });
    const check = () => checkPair({ name: 'example.com', leafPem: pair.leafPem, privateKeyPem });
    expect(check).toThrow(expect.objectContaining({ code: 'key-mismatch', disposition: 'give-up' }));
    expect(check).toThrow(/^certificate example\.com: [^-]*$/);
  });

  it('refuses a key that is no key without showing it', () => {
    const check = () => checkPair({ name: 'example.com', leafPem: pair.leafPem, privateKeyPem: 's3cret' });
    expect(check).toThrow(expect.objectContaining({ code: 'invalid-private-key' }));
    expect(check).not.toThrow(/s3cret/);
  });
});

import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { openHierarchy } from '../../../local/ca/hierarchy.ts';
import { createIssuer, serialFrom } from '../../../local/ca/issuance.ts';
import { generateKeyPair } from '../../../local/ca/key-pair.ts';
import { opensslText, opensslVerify } from './openssl.ts';

const now = new Date('2026-11-21T03:00:00.789Z');
let hierarchy: Awaited<ReturnType<typeof openHierarchy>>;
let publicKey: Awaited<ReturnType<typeof generateKeyPair>>['publicKey'];

beforeAll(async () => {
  hierarchy = await openHierarchy(undefined);
  publicKey = (await generateKeyPair()).publicKey;
});

async function issueWith(bytes: readonly number[], names = ['www.example.com']) {
  const issuer = createIssuer({
    intermediate: hierarchy.intermediate,
    validitySeconds: 86_400,
    serialBytes: () => Uint8Array.from(bytes),
  });
  const { serial, chainPem } = await issuer.issue({ names, publicKey, now });
  return { serial, chainPem, leaf: new X509Certificate(chainPem) };
}

const sixteen = (byte: number): number[] => Array.from({ length: 16 }, () => byte);

describe('a serial number', () => {
  it.each([
    ['with the high bit set', sixteen(0xff), 'ff'.repeat(16)],
    ['that would begin with zeros', sixteen(0x00), `10${'00'.repeat(15)}`],
    ['below the high bit', sixteen(0x7f), '7f'.repeat(16)],
  ])('%s is positive and printed in one way only', async (_, bytes, expected) => {
    const { serial, leaf, chainPem } = await issueWith(bytes);
    expect(serial).toBe(expected);
    expect(leaf.serialNumber.toLowerCase()).toBe(expected);
    expect(opensslVerify(hierarchy.rootPem, chainPem, now)).toContain('OK');
  });

  it('keeps its other bits', () => {
    expect(serialFrom(sixteen(0x2a) as unknown as Uint8Array)).toBe(`3a${'2a'.repeat(15)}`);
  });
});

describe('a certificate', () => {
  it('has dates in whole seconds, backdated by an hour', async () => {
    const { leaf } = await issueWith(sixteen(1));
    expect(leaf.validFromDate.toISOString()).toBe('2026-11-21T02:00:00.000Z');
    expect(leaf.validToDate.toISOString()).toBe('2026-11-22T01:59:59.000Z');
  });

  it('is for servers and names its issuer by key', async () => {
    const { chainPem } = await issueWith(sixteen(1));
    const text = opensslText(chainPem);
    expect(text).toContain('TLS Web Server Authentication');
    expect(text).toContain('CA:FALSE');
    expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/);
    const keyId = /Subject Key Identifier:\s+([0-9A-F:]+)/.exec(
      opensslText(hierarchy.intermediate.certificatePem),
    )?.[1];
    expect(keyId).toHaveLength(59);
    expect(text).toMatch(new RegExp(`Authority Key Identifier:\\s+${keyId}`));
  });

  it('has critical names and no subject where no name fits the common name', async () => {
    const long = `${'a'.repeat(60)}.example.com`;
    const { leaf, chainPem } = await issueWith(sixteen(1), [long]);
    expect(leaf.subject).toBeFalsy();
    expect(opensslText(chainPem)).toContain('Subject Alternative Name: critical');
    expect(opensslVerify(hierarchy.rootPem, chainPem, now)).toContain('OK');
  });

  it('of one hierarchy is not trusted under another', async () => {
    const { chainPem } = await issueWith(sixteen(1));
    const other = await openHierarchy(undefined);
    expect(() => opensslVerify(other.rootPem, chainPem, now)).toThrow();
  });
});

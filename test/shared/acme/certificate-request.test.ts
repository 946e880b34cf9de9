import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { PemConverter, Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import {
  createCertificateRequest,
  generateCertificateKey,
  type RequestKeyType,
} from '../../../shared/acme/certificate-request.ts';
import { addressBytes, canonicalName } from '../../../shared/acme/identifier.ts';

const openssl = (csrPem: string) =>
  execFileSync('openssl', ['req', '-verify', '-noout', '-text'], {
    input: csrPem,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
  });

const keyTypes: readonly [RequestKeyType, string][] = [
  ['ecdsa-p256', 'ecdsa-with-SHA256'],
  ['ecdsa-p384', 'ecdsa-with-SHA384'],
  ['rsa-2048', 'sha256WithRSAEncryption'],
  ['rsa-3072', 'sha256WithRSAEncryption'],
];

describe('a certificate request', () => {
  it.each(keyTypes)('with a key of type %s is signed with it by %s', async (keyType, algorithm) => {
    const csr = await createCertificateRequest(['www.example.com'], await generateCertificateKey(keyType));
    expect(openssl(csr)).toContain(`Signature Algorithm: ${algorithm}`);
  });

  it('names exactly what was asked for, each in its kind and order, and no subject', async () => {
    const names = ['www.example.com', '*.example.org', '192.0.2.1', '2001:db8::1'];
    const text = openssl(await createCertificateRequest(names, await generateCertificateKey('ecdsa-p256')));
    expect(text).toContain(
      'DNS:www.example.com, DNS:*.example.org, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1',
    );
    expect(text).toMatch(/Subject: *\n/);
  });

  it('holds as many names as any CA takes', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `${'n'.repeat(60)}${index}.example.com`);
    const csrPem = await createCertificateRequest(names, await generateCertificateKey('ecdsa-p256'));
    openssl(csrPem);
    const request = new Pkcs10CertificateRequest(PemConverter.decodeFirst(csrPem));
    const extension = request.extensions.find((each) => each instanceof SubjectAlternativeNameExtension);
    expect(extension?.names.items.map(({ value }) => value)).toEqual(names);
    expect(await request.verify()).toBe(true);
  });

  it('keeps its key to itself', async () => {
    const privateKeyPem = await generateCertificateKey('ecdsa-p256');
    const csrPem = await createCertificateRequest(['www.example.com'], privateKeyPem);
    const { d = '' } = createPrivateKey(privateKeyPem).export({ format: 'jwk' });
    const der = PemConverter.decodeFirst(csrPem);
    expect(Buffer.from(der).includes(Buffer.from(d, 'base64url'))).toBe(false);
  });
});

describe('an address', () => {
  it.each([
    ['192.0.2.1', 'c0000201'],
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['2001:db8::', `20010db8${'0'.repeat(24)}`],
    ['2001:0DB8:0:0:1::1', '20010db8000000000001000000000001'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['::ffff:192.0.2.1', `${'0'.repeat(20)}ffffc0000201`],
  ])('%s has the bytes %s', (address, hex) => {
    expect(addressBytes(address).toString('hex')).toBe(hex);
    expect(addressBytes(canonicalName(address)).toString('hex')).toBe(hex);
  });
});

import { webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { certificateIdOf } from '../../../shared/acme/certificate-id.ts';
import { readDer } from '../../../shared/acme/der.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const keyIdentifier = '69885b6b87464041e1b37b847ba0ae2cde01c8d4';
let keys: webcrypto.CryptoKeyPair;

beforeAll(async () => {
  keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
});

async function aCertificate(serialNumber: string, extensions: Extension[]): Promise<string> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: 'CN=Example',
    keys,
    extensions,
    signingAlgorithm: algorithm,
  });
  return certificate.toString('pem');
}

const withAuthority = () => [
  new BasicConstraintsExtension(false, undefined, true),
  new AuthorityKeyIdentifierExtension(keyIdentifier),
];

describe('a certificate identifier', () => {
  it('is that of the example in RFC 9773, its leading zero byte kept', async () => {
    const pem = await aCertificate('0087654321', withAuthority());
    expect(certificateIdOf(pem)).toBe('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
  });

  it.each([
    ['01', 'AQ'],
    ['7f00', 'fwA'],
    ['00ff', 'AP8'],
    ['0102030405060708090a0b0c0d0e0f1011121314', 'AQIDBAUGBwgJCgsMDQ4PEBESExQ'],
  ])('has the bytes of serial number %s as DER has them', async (serial, encoded) => {
    const id = certificateIdOf(await aCertificate(serial, withAuthority()));
    expect(id?.split('.')[1]).toBe(encoded);
  });

  it('is that of a chain’s leaf', async () => {
    const leaf = await aCertificate('0087654321', withAuthority());
    const issuer = await aCertificate('02', withAuthority());
    expect(certificateIdOf(`${leaf}\n${issuer}\n`)).toBe('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
  });

  it('does not exist without an authority key, or a certificate', async () => {
    expect(certificateIdOf(await aCertificate('01', []))).toBeUndefined();
    expect(certificateIdOf(await aCertificate('01', [new BasicConstraintsExtension(true)]))).toBeUndefined();
    expect(certificateIdOf('')).toBeUndefined();
    expect(certificateIdOf('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')).toBeUndefined();
  });
});

describe('DER', () => {
  it('is read to its end or not at all, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          const read = readDer(bytes).reduce((sum, { content }) => sum + content.length + 2, 0);
          return read <= bytes.length;
        } catch (error) {
          return error instanceof RangeError;
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('may have lengths of several bytes', () => {
    const long = Buffer.concat([Buffer.from([0x04, 0x82, 0x01, 0x00]), Buffer.alloc(256, 9)]);
    const [element] = readDer(long);
    expect(element?.tag).toBe(4);
    expect(Buffer.from(element?.content ?? []).equals(Buffer.alloc(256, 9))).toBe(true);
  });
});

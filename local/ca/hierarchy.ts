import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { readIfPresent, writeWhole } from './durable-file.ts';

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
type CryptoKey = webcrypto.CryptoKey;
const signatureAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;

// Fixed and wide, so that a CA under a test's clock is still trusted by TLS clients under the real one.
const validFrom = new Date('2020-01-01T00:00:00Z');
const validTo = new Date('2049-12-31T23:59:59Z');

export interface CertificateContents {
  /** Hexadecimal; the high bit may be set. */
  readonly serial: string;
  readonly subject: x509.JsonName;
  readonly publicKey: x509.PublicKey;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Subject and authority key identifiers are added to these. */
  readonly extensions: readonly x509.Extension[];
}

/** A certificate with the key that signs beneath it. */
export interface Signer {
  readonly certificatePem: string;
  sign(contents: CertificateContents): Promise<x509.X509Certificate>;
}

interface SavedHierarchy {
  readonly rootPem: string;
  readonly rootKeyPem: string;
  readonly intermediatePem: string;
  readonly intermediateKeyPem: string;
}

/** The root's certificate and the intermediate that issues; kept in `path` when given. */
export async function openHierarchy(
  path: string | undefined,
): Promise<{ rootPem: string; intermediate: Signer }> {
  const text = path ? readIfPresent(path) : undefined;
  const saved = text === undefined ? await createHierarchy() : (JSON.parse(text) as SavedHierarchy);
  if (path && text === undefined) writeWhole(path, `${JSON.stringify(saved, undefined, 2)}\n`);
  const key = await importKeyPem(saved.intermediateKeyPem);
  const intermediate = await createSigner(new x509.X509Certificate(saved.intermediatePem), key);
  return { rootPem: saved.rootPem, intermediate };
}

async function createHierarchy(): Promise<SavedHierarchy> {
  const [rootKeys, intermediateKeys] = await Promise.all([generateKeyPair(), generateKeyPair()]);
  const rootKeyId = await keyIdentifier(rootKeys.publicKey);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: nameAfterKey('Root', rootKeyId),
    notBefore: validFrom,
    notAfter: validTo,
    keys: rootKeys.cryptoKeys,
    signingAlgorithm: signatureAlgorithm,
    extensions: [...authorityExtensions(), new x509.SubjectKeyIdentifierExtension(rootKeyId)],
  });
  const rootSigner = await createSigner(root, rootKeys.cryptoKeys.privateKey);
  const intermediate = await rootSigner.sign({
    serial: '02',
    subject: nameAfterKey('Intermediate', await keyIdentifier(intermediateKeys.publicKey)),
    publicKey: intermediateKeys.publicKey,
    notBefore: validFrom,
    notAfter: validTo,
    extensions: authorityExtensions(0),
  });
  return {
    rootPem: pemOf(root),
    rootKeyPem: await exportKeyPem(rootKeys.cryptoKeys.privateKey),
    intermediatePem: pemOf(intermediate),
    intermediateKeyPem: await exportKeyPem(intermediateKeys.cryptoKeys.privateKey),
  };
}

async function createSigner(certificate: x509.X509Certificate, signingKey: CryptoKey): Promise<Signer> {
  const authority = new x509.AuthorityKeyIdentifierExtension(await keyIdentifier(certificate.publicKey));
  return {
    certificatePem: pemOf(certificate),
    sign: async ({ serial, subject, publicKey, notBefore, notAfter, extensions }) =>
      x509.X509CertificateGenerator.create({
        serialNumber: serial,
        subject: [...subject],
        issuer: certificate.subjectName,
        publicKey,
        notBefore,
        notAfter,
        signingKey,
        signingAlgorithm: signatureAlgorithm,
        extensions: [
          ...extensions,
          new x509.SubjectKeyIdentifierExtension(await keyIdentifier(publicKey)),
          authority,
        ],
      }),
  };
}

function authorityExtensions(pathLength?: number): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(true, pathLength, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  ];
}

/** SHA-1 over the key's bits, hexadecimal (RFC 5280, 4.2.1.2, method 1). */
const keyIdentifier = async (publicKey: x509.PublicKey): Promise<string> =>
  Buffer.from(await publicKey.getKeyIdentifier()).toString('hex');

/** Two hierarchies never share a name, so no client takes one CA's chain for another's. */
const nameAfterKey = (role: string, keyId: string): x509.JsonName => [
  { O: ['certfleet local CA'] },
  { CN: [`certfleet local ${role} ${keyId.slice(0, 8)}`] },
];

/** A fresh P-256 pair, as certificates are signed with and as they name it. */
export async function generateKeyPair() {
  const cryptoKeys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  return { cryptoKeys, publicKey: await x509.PublicKey.create(cryptoKeys.publicKey) };
}

/** PKCS#8, PEM. */
export async function exportKeyPem(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

const importKeyPem = (pem: string): Promise<CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), keyAlgorithm, false, ['sign']);

/** PEM with the closing newline that lets certificates be strung together. */
export const pemOf = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;

import type { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { readIfPresent, writeWhole } from './durable-file.ts';
import { exportKeyPem, generateKeyPair, importKeyPem, keyIdentifier } from './key-pair.ts';

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
  /** Of its public key, lower-case hexadecimal. */
  readonly keyId: string;
  sign(contents: CertificateContents): Promise<x509.X509Certificate>;
}

interface SavedHierarchy {
  readonly rootPem: string;
  readonly rootKeyPem: string;
  readonly intermediatePem: string;
  readonly intermediateKeyPem: string;
  readonly alternates?: readonly AlternateRoot[];
}

/** Another root, and the intermediate's certificate under it. */
export interface AlternateRoot {
  readonly rootPem: string;
  readonly intermediatePem: string;
}

export interface Hierarchy {
  readonly rootPem: string;
  readonly intermediate: Signer;
  readonly alternates: readonly AlternateRoot[];
}

/**
 * The root's certificate, the intermediate that issues, and as many other roots above that as `alternateRoots`
 * says; kept in `path` when given.
 */
export async function openHierarchy(path: string | undefined, alternateRoots = 0): Promise<Hierarchy> {
  const text = path ? readIfPresent(path) : undefined;
  const found = text === undefined ? await createHierarchy() : (JSON.parse(text) as SavedHierarchy);
  const alternates = [...(found.alternates ?? [])];
  while (alternates.length < alternateRoots) {
    alternates.push(await createAlternateRoot(found.intermediatePem, alternates.length + 3));
  }
  const complete = alternates.length === (found.alternates ?? []).length;
  const saved: SavedHierarchy = complete ? found : { ...found, alternates };
  if (path && (text === undefined || !complete)) writeWhole(path, `${JSON.stringify(saved, undefined, 2)}\n`);
  const key = await importKeyPem(saved.intermediateKeyPem);
  const intermediate = await createSigner(new x509.X509Certificate(saved.intermediatePem), key);
  return { rootPem: saved.rootPem, intermediate, alternates: alternates.slice(0, alternateRoots) };
}

async function createHierarchy(): Promise<SavedHierarchy> {
  const [rootKeys, intermediateKeys] = await Promise.all([generateKeyPair(), generateKeyPair()]);
  const rootSigner = await createRoot(rootKeys);
  const intermediate = await rootSigner.sign({
    serial: '02',
    subject: nameAfterKey('Intermediate', await keyIdentifier(intermediateKeys.publicKey)),
    publicKey: intermediateKeys.publicKey,
    notBefore: validFrom,
    notAfter: validTo,
    extensions: authorityExtensions(0),
  });
  return {
    rootPem: rootSigner.certificatePem,
    rootKeyPem: await exportKeyPem(rootKeys.cryptoKeys.privateKey),
    intermediatePem: pemOf(intermediate),
    intermediateKeyPem: await exportKeyPem(intermediateKeys.cryptoKeys.privateKey),
  };
}

/** A root whose key is thrown away once it has signed the intermediate. */
async function createAlternateRoot(intermediatePem: string, serial: number): Promise<AlternateRoot> {
  const { subjectName, publicKey } = new x509.X509Certificate(intermediatePem);
  const root = await createRoot(await generateKeyPair());
  const intermediate = await root.sign({
    serial: String(serial).padStart(2, '0'),
    subject: subjectName.toJSON(),
    publicKey,
    notBefore: validFrom,
    notAfter: validTo,
    extensions: authorityExtensions(0),
  });
  return { rootPem: root.certificatePem, intermediatePem: pemOf(intermediate) };
}

async function createRoot(keys: Awaited<ReturnType<typeof generateKeyPair>>): Promise<Signer> {
  const keyId = await keyIdentifier(keys.publicKey);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: nameAfterKey('Root', keyId),
    notBefore: validFrom,
    notAfter: validTo,
    keys: keys.cryptoKeys,
    signingAlgorithm: signatureAlgorithm,
    extensions: [...authorityExtensions(), new x509.SubjectKeyIdentifierExtension(keyId)],
  });
  return createSigner(root, keys.cryptoKeys.privateKey);
}

async function createSigner(certificate: x509.X509Certificate, signingKey: CryptoKey): Promise<Signer> {
  const keyId = await keyIdentifier(certificate.publicKey);
  const authority = new x509.AuthorityKeyIdentifierExtension(keyId);
  return {
    certificatePem: pemOf(certificate),
    keyId,
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

/** Two hierarchies never share a name, so no client takes one CA's chain for another's. */
const nameAfterKey = (role: string, keyId: string): x509.JsonName => [
  { O: ['certfleet local CA'] },
  { CN: [`certfleet local ${role} ${keyId.slice(0, 8)}`] },
];

/** PEM with the closing newline that lets certificates be strung together. */
export const pemOf = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;

import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  CRLDistributionPointsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509';

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
});
const keyAlgorithms = { 'ecdsa-p256': ecdsa, 'rsa-1024': rsa(1024), 'rsa-2048': rsa(2048) };
const makeKeys = (type: keyof typeof keyAlgorithms = 'ecdsa-p256') =>
  webcrypto.subtle.generateKey(keyAlgorithms[type], true, ['sign', 'verify']);
const dayMillis = 86_400_000;

export interface LeafRequest {
  readonly domains: readonly string[];
  readonly addresses?: readonly string[];
  readonly commonName?: string;
  readonly serial?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly keys?: keyof typeof keyAlgorithms;
  /** No extended key usage at all when absent. */
  readonly usages?: readonly ('serverAuth' | 'clientAuth')[];
  /** Where its revocation list is served. */
  readonly revocationUrls?: readonly string[];
}

export interface TestPair {
  readonly privateKeyPem: string;
  readonly leafPem: string;
  readonly fullchainPem: string;
}

export interface RevocationListRequest {
  readonly revokedSerials?: readonly string[];
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date | undefined;
  readonly extensions?: Extension[];
  /** Whose certificates it is about. */
  readonly by?: 'root' | 'issuer';
}

/** A root with one intermediate that signs whatever leaf or revocation list a test asks for. */
export async function createTestCa(
  commonName = 'Test Root',
  options: { issuerRevocationUrls?: readonly string[] } = {},
) {
  const rootKeys = await makeKeys();
  const issuerKeys = await makeKeys();
  const life = {
    notBefore: new Date(Date.now() - 365 * dayMillis),
    notAfter: new Date(Date.now() + 365 * dayMillis),
  };
  const caExtensions = [
    new BasicConstraintsExtension(true, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  ];
  const root = await X509CertificateGenerator.createSelfSigned({
    ...life,
    name: `CN=${commonName}`,
    serialNumber: '01',
    keys: rootKeys,
    extensions: caExtensions,
    signingAlgorithm: ecdsa,
  });
  const issuer = await X509CertificateGenerator.create({
    ...life,
    subject: `CN=${commonName} Issuer`,
    issuer: root.subject,
    serialNumber: '02',
    publicKey: issuerKeys.publicKey,
    signingKey: rootKeys.privateKey,
    extensions: [...caExtensions, ...revocationPoints(options.issuerRevocationUrls)],
    signingAlgorithm: ecdsa,
  });
  let issued = 0;
  return {
    rootPem: pemOf(root),
    issuerPem: pemOf(issuer),
    async issue(request: LeafRequest): Promise<TestPair> {
      const keys = await makeKeys(request.keys);
      issued += 1;
      const leaf = await X509CertificateGenerator.create({
        ...leafContents(request, (0x1000 + issued).toString(16)),
        issuer: issuer.subject,
        publicKey: keys.publicKey,
        signingKey: issuerKeys.privateKey,
        signingAlgorithm: ecdsa,
      });
      const leafPem = pemOf(leaf);
      return {
        privateKeyPem: await exportKey(keys.privateKey),
        leafPem,
        fullchainPem: leafPem + pemOf(issuer),
      };
    },
    /** DER. Without `nextUpdate` it ends in a day; `undefined` leaves it out. */
    async listRevoked(request: RevocationListRequest = {}): Promise<Buffer> {
      const thisUpdate = request.thisUpdate ?? new Date(Date.now() - dayMillis);
      const nextUpdate = 'nextUpdate' in request ? request.nextUpdate : new Date(Date.now() + dayMillis);
      const list = await X509CrlGenerator.create({
        issuer: request.by === 'root' ? root.subject : issuer.subject,
        thisUpdate,
        ...(nextUpdate === undefined ? {} : { nextUpdate }),
        entries: (request.revokedSerials ?? []).map((serialNumber) => ({
          serialNumber,
          revocationDate: thisUpdate,
        })),
        extensions: request.extensions ?? [],
        signingKey: request.by === 'root' ? rootKeys.privateKey : issuerKeys.privateKey,
        signingAlgorithm: ecdsa,
      });
      return Buffer.from(list.rawData);
    },
  };
}

export type TestCa = Awaited<ReturnType<typeof createTestCa>>;

/** A leaf that nobody but its own key vouches for. */
export async function issueSelfSigned(request: LeafRequest): Promise<TestPair> {
  const keys = await makeKeys();
  const { subject, ...contents } = leafContents(request, '5e1f');
  const leaf = await X509CertificateGenerator.createSelfSigned({
    ...contents,
    name: subject,
    keys,
    signingAlgorithm: ecdsa,
  });
  return {
    privateKeyPem: await exportKey(keys.privateKey),
    leafPem: pemOf(leaf),
    fullchainPem: pemOf(leaf),
  };
}

const leafContents = (request: LeafRequest, serial: string) => ({
  subject: request.commonName === undefined ? '' : `CN=${request.commonName}`,
  serialNumber: request.serial ?? serial,
  notBefore: request.notBefore ?? new Date(Date.now() - dayMillis),
  notAfter: request.notAfter ?? new Date(Date.now() + 90 * dayMillis),
  extensions: [
    new SubjectAlternativeNameExtension(
      [
        ...request.domains.map((value) => ({ type: 'dns' as const, value })),
        ...(request.addresses ?? []).map((value) => ({ type: 'ip' as const, value })),
      ],
      true,
    ),
    ...(request.usages
      ? [new ExtendedKeyUsageExtension(request.usages.map((usage) => ExtendedKeyUsage[usage]))]
      : []),
    ...revocationPoints(request.revocationUrls),
  ],
});

const revocationPoints = (urls: readonly string[] = []) =>
  urls.length === 0 ? [] : [new CRLDistributionPointsExtension([...urls])];

const exportKey = async (key: webcrypto.CryptoKey): Promise<string> =>
  `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;

const pemOf = (certificate: { toString(format: 'pem'): string }): string =>
  `${certificate.toString('pem').trim()}\n`;

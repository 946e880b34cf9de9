import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const makeKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
const dayMillis = 86_400_000;

export interface LeafRequest {
  readonly domains: readonly string[];
  readonly addresses?: readonly string[];
  readonly serial?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

export interface TestPair {
  readonly privateKeyPem: string;
  readonly leafPem: string;
  readonly fullchainPem: string;
}

/** A root with one intermediate that signs whatever leaf a test asks for. */
export async function createTestCa(commonName = 'Test Root') {
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
    signingAlgorithm: algorithm,
  });
  const issuer = await X509CertificateGenerator.create({
    ...life,
    subject: `CN=${commonName} Issuer`,
    issuer: root.subject,
    serialNumber: '02',
    publicKey: issuerKeys.publicKey,
    signingKey: rootKeys.privateKey,
    extensions: caExtensions,
    signingAlgorithm: algorithm,
  });
  let issued = 0;
  return {
    rootPem: pemOf(root),
    issuerPem: pemOf(issuer),
    async issue(request: LeafRequest): Promise<TestPair> {
      const keys = await makeKeys();
      issued += 1;
      const leaf = await X509CertificateGenerator.create({
        subject: '',
        issuer: issuer.subject,
        serialNumber: request.serial ?? (0x1000 + issued).toString(16),
        notBefore: request.notBefore ?? new Date(Date.now() - dayMillis),
        notAfter: request.notAfter ?? new Date(Date.now() + 90 * dayMillis),
        publicKey: keys.publicKey,
        signingKey: issuerKeys.privateKey,
        extensions: [
          new SubjectAlternativeNameExtension(
            [
              ...request.domains.map((value) => ({ type: 'dns' as const, value })),
              ...(request.addresses ?? []).map((value) => ({ type: 'ip' as const, value })),
            ],
            true,
          ),
        ],
        signingAlgorithm: algorithm,
      });
      const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
      const leafPem = pemOf(leaf);
      return {
        privateKeyPem: `${PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
        leafPem,
        fullchainPem: leafPem + pemOf(issuer),
      };
    },
  };
}

export type TestCa = Awaited<ReturnType<typeof createTestCa>>;

const pemOf = (certificate: { toString(format: 'pem'): string }): string =>
  `${certificate.toString('pem').trim()}\n`;

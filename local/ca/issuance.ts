import { randomBytes, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { secondsAfter } from '../../shared/runtime/clock.ts';
import { pemOf, type Signer } from './hierarchy.ts';
import { identifierOf } from './identifiers.ts';
import { exportKeyPem, generateKeyPair } from './key-pair.ts';

// Let's Encrypt backdates by an hour for clients whose clocks run late.
const backdateSeconds = 3600;
const longestCommonName = 64;

export interface LeafRequest {
  readonly names: readonly string[];
  readonly publicKey: x509.PublicKey;
  readonly now: Date;
  /** Those of the issuer and a common name where one fits, when absent. */
  readonly validitySeconds?: number;
  readonly commonName?: 'first-that-fits' | 'none';
  /** What it is for; a server's when absent, as ACME orders are. */
  readonly usage?: 'server' | 'client' | 'server-and-client';
}

export interface IssuedLeaf {
  /** Lower-case hexadecimal, as node:crypto prints it. */
  readonly serial: string;
  /** Leaf, then intermediate. */
  readonly chainPem: string;
}

export interface Issuer {
  /** The intermediate's key identifier, lower-case hexadecimal. */
  readonly keyId: string;
  issue(request: LeafRequest): Promise<IssuedLeaf>;
}

/** 128 random bits as a serial number; `bytes` has 16 of them. */
export function serialFrom(bytes: Uint8Array): string {
  const serial = Buffer.from(bytes);
  // A first digit other than 0 leaves one way only to print the serial in hexadecimal.
  serial.writeUInt8(serial.readUInt8(0) | 0x10, 0);
  return serial.toString('hex');
}

/** Issues certificates of `validitySeconds` under the intermediate; dates are in whole seconds. */
export function createIssuer(options: {
  intermediate: Signer;
  validitySeconds: number;
  serialBytes?: () => Uint8Array;
}): Issuer {
  const { intermediate, serialBytes = () => randomBytes(16) } = options;
  return {
    keyId: intermediate.keyId,
    async issue(request) {
      const { names, publicKey, now, validitySeconds = options.validitySeconds, commonName, usage } = request;
      const notBefore = secondsAfter(new Date(Math.floor(now.getTime() / 1000) * 1000), -backdateSeconds);
      const serial = serialFrom(serialBytes());
      const subject = commonName === 'none' ? [] : subjectOf(names);
      const leaf = await intermediate.sign({
        serial,
        subject,
        publicKey,
        notBefore,
        // RFC 5280, 4.1.2.5: the last second is part of the validity.
        notAfter: secondsAfter(notBefore, validitySeconds - 1),
        extensions: leafExtensions(names, { publicKey, isNameless: subject.length === 0, usage }),
      });
      return { serial, chainPem: pemOf(leaf) + intermediate.certificatePem };
    },
  };
}

/** The first name that fits; none leaves the subject empty and the alternative names critical. */
function subjectOf(names: readonly string[]): x509.JsonName {
  const commonName = names.find((name) => name.length <= longestCommonName);
  return commonName === undefined ? [] : [{ CN: [commonName] }];
}

const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
const usageOids = {
  server: [serverAuth],
  client: [clientAuth],
  'server-and-client': [serverAuth, clientAuth],
};

function leafExtensions(
  names: readonly string[],
  {
    publicKey,
    isNameless,
    usage = 'server',
  }: { publicKey: x509.PublicKey; isNameless: boolean; usage: LeafRequest['usage'] },
): x509.Extension[] {
  const isRsa = publicKey.algorithm.name.startsWith('RSA');
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags;
  const alternativeNames = names.map(identifierOf);
  return [
    new x509.KeyUsagesExtension(isRsa ? digitalSignature | keyEncipherment : digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(usageOids[usage]),
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.SubjectAlternativeNameExtension(alternativeNames, isNameless),
    new x509.CertificatePolicyExtension(['2.23.140.1.2.1']),
  ];
}

/** Key and chain for the CA's own HTTPS endpoint, under the same root as what it issues. */
export async function issueServerIdentity(intermediate: Signer): Promise<{ key: string; cert: string }> {
  const { cryptoKeys, publicKey } = await generateKeyPair();
  const { notBefore, notAfter } = new x509.X509Certificate(intermediate.certificatePem);
  const certificate = await intermediate.sign({
    serial: serialFrom(randomBytes(16)),
    subject: [{ CN: ['localhost'] }],
    publicKey,
    notBefore,
    notAfter,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ]),
    ],
  });
  return {
    key: await exportKeyPem(cryptoKeys.privateKey),
    cert: pemOf(certificate) + intermediate.certificatePem,
  };
}

/** The serial of a DER or PEM certificate as the store keys it. */
export const serialOf = (certificate: string | Buffer): string =>
  new X509Certificate(certificate).serialNumber.toLowerCase();

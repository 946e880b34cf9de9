import { createHash, createPublicKey } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { canonicalAddress } from './ip-address.ts';
import { findKeyKind } from './jwk.ts';
import { AcmeProblem } from './problem.ts';

const badCsr = (detail: string): AcmeProblem => new AcmeProblem('badCSR', detail);

/** What a certification request must agree with. */
export interface CsrExpectation {
  /** The order's names, sorted. */
  readonly names: readonly string[];
  /** SubjectPublicKeyInfo of the account key, DER. */
  readonly accountKeyDer: Buffer;
}

/** The request's public key. @throws AcmeProblem `badCSR` */
export async function checkCsr(der: Buffer, expected: CsrExpectation): Promise<x509.PublicKey> {
  const csr = parseCsr(der);
  if (!(await hasOwnSignature(csr))) throw badCsr('the request is not signed by its own key');
  checkKey(csr.publicKey, expected.accountKeyDer);
  const names = readNames(csr);
  if (names.join(' ') !== expected.names.join(' ')) {
    throw badCsr(`the request names [${names.join(', ')}], the order [${expected.names.join(', ')}]`);
  }
  return csr.publicKey;
}

/** SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal. */
export const fingerprintOf = (publicKey: x509.PublicKey): string =>
  createHash('sha256').update(Buffer.from(publicKey.rawData)).digest('hex');

function parseCsr(der: Buffer): x509.Pkcs10CertificateRequest {
  try {
    return new x509.Pkcs10CertificateRequest(der);
  } catch {
    throw badCsr('csr is not a PKCS#10 request');
  }
}

async function hasOwnSignature(csr: x509.Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await csr.verify();
  } catch {
    return false;
  }
}

function checkKey(publicKey: x509.PublicKey, accountKeyDer: Buffer): void {
  const der = Buffer.from(publicKey.rawData);
  if (der.equals(accountKeyDer)) throw badCsr('the certificate key must differ from the account key');
  if (!isAcceptedKey(der)) {
    throw badCsr('certificate keys are RSA of 2048 to 4096 bits, P-256 or P-384');
  }
}

function isAcceptedKey(der: Buffer): boolean {
  try {
    return findKeyKind(createPublicKey({ key: der, format: 'der', type: 'spki' })) !== undefined;
  } catch {
    return false;
  }
}

/** Alternative names and common name together, sorted. @throws AcmeProblem `badCSR` for other kinds of names */
function readNames(csr: x509.Pkcs10CertificateRequest): string[] {
  const names = new Set(csr.subjectName.getField('CN').map((name) => name.toLowerCase()));
  const extension = csr.extensions.find((item) => item instanceof x509.SubjectAlternativeNameExtension);
  for (const { type, value } of extension?.names.items ?? []) {
    if (type !== 'dns' && type !== 'ip') {
      throw badCsr(`the request names a ${type}; only DNS names and IP addresses are issued`);
    }
    names.add((type === 'ip' && canonicalAddress(value)) || value.toLowerCase());
  }
  return [...names].sort();
}

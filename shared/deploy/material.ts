import { createPrivateKey, X509Certificate } from 'node:crypto';
import { Failure } from '../runtime/errors.ts';

/** A pair ready to be put on a server. It holds a private key: never log it, never put it in a message. */
export interface CertificateMaterial {
  readonly name: string;
  readonly privateKeyPem: string;
  readonly leafPem: string;
  /** The intermediates in the CA's order; empty where the CA sent none. */
  readonly chainPem: string;
  /** `leafPem` followed by `chainPem`. */
  readonly fullchainPem: string;
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * Parts a PEM chain as an ACME CA delivers it, leaf first (RFC 8555, 9.1); text between the blocks is dropped
 * and every block ends with a line feed.
 * @throws Failure `invalid-chain` where no certificate is found or one cannot be read
 */
export function splitChain(fullchainPem: string): { readonly leafPem: string; readonly chainPem: string } {
  const blocks = (fullchainPem.match(pemCertificate) ?? []).map(
    (block) => `${block.replaceAll('\r\n', '\n')}\n`,
  );
  const [leafPem, ...chain] = blocks;
  if (leafPem === undefined) throw invalidChain('holds no PEM certificate');
  for (const [index, block] of blocks.entries()) {
    if (readCertificate(block) === undefined) throw invalidChain(`has an unreadable certificate at ${index}`);
  }
  return { leafPem, chainPem: chain.join('') };
}

/**
 * The material of one certificate from what the vault keeps.
 * @throws Failure `invalid-chain`, `invalid-private-key`, `key-mismatch`
 */
export function createMaterial(pair: {
  readonly name: string;
  readonly privateKeyPem: string;
  readonly fullchainPem: string;
}): CertificateMaterial {
  const { leafPem, chainPem } = splitChain(pair.fullchainPem);
  const { name, privateKeyPem } = pair;
  const material = { name, privateKeyPem, leafPem, chainPem, fullchainPem: leafPem + chainPem };
  checkPair(material);
  return material;
}

/**
 * A server given a leaf and another certificate's key refuses to start; this stops such a pair before any
 * target sees it.
 * @throws Failure `invalid-chain`, `invalid-private-key`, `key-mismatch`
 */
export function checkPair(pair: Pick<CertificateMaterial, 'name' | 'leafPem' | 'privateKeyPem'>): void {
  const leaf = readCertificate(pair.leafPem);
  if (leaf === undefined) throw invalidChain(`of ${pair.name} has an unreadable leaf`);
  if (leaf.checkPrivateKey(readPrivateKey(pair))) return;
  throw new Failure({
    code: 'key-mismatch',
    disposition: 'give-up',
    message: `certificate ${pair.name}: the private key is not the one the leaf was issued for; renew it`,
  });
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function readPrivateKey({ name, privateKeyPem }: Pick<CertificateMaterial, 'name' | 'privateKeyPem'>) {
  try {
    return createPrivateKey(privateKeyPem);
  } catch {
    // The parser's own message is left out: it may quote the input.
    throw new Failure({
      code: 'invalid-private-key',
      disposition: 'give-up',
      message: `certificate ${name}: the private key is not readable PEM; renew the certificate`,
    });
  }
}

const invalidChain = (problem: string): Failure =>
  new Failure({
    code: 'invalid-chain',
    disposition: 'give-up',
    message: `the certificate chain ${problem}; renew the certificate`,
  });

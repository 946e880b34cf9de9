import { createPublicKey, X509Certificate } from 'node:crypto';
import { Failure } from '../runtime/errors.ts';
import { canonicalName } from './identifier.ts';

export interface IssuedChain {
  /** Lower-case hexadecimal, as node:crypto prints it. */
  readonly serial: string;
  /** SHA-256 over the leaf's DER, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly domains: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * Reads the chain a CA issued and checks it against what was asked for: the leaf's public key is the request's,
 * its names, addresses among them, are exactly `domains`, it has not expired, and each certificate signs the one before it.
 * Dates come from the leaf alone.
 * @throws Failure `issued-chain-wrong`
 */
export function checkIssuedChain(
  fullchainPem: string,
  expected: { domains: readonly string[]; privateKeyPem: string; now: Date },
): IssuedChain {
  const chain = parseChain(fullchainPem);
  const [leaf] = chain;
  if (!leaf) throw wrong('it holds no certificate');
  if (!leaf.publicKey.equals(createPublicKey(expected.privateKeyPem)))
    throw wrong('its public key is not the one requested');
  const domains = namesOf(leaf);
  const wanted = expected.domains.map(canonicalName);
  const missing = wanted.filter((name) => !domains.includes(name));
  const extra = domains.filter((name) => !wanted.includes(name));
  if (missing.length + extra.length > 0)
    throw wrong(`its names differ: missing [${missing}], extra [${extra}]`);
  for (const [index, issuer] of chain.slice(1).entries()) {
    const subject = chain[index];
    if (!subject?.checkIssued(issuer) || !subject.verify(issuer.publicKey)) {
      throw wrong(`certificate ${index + 1} did not sign certificate ${index}`);
    }
  }
  const notAfter = new Date(leaf.validTo);
  if (notAfter <= expected.now) throw wrong(`it expired at ${notAfter.toISOString()}`);
  return {
    serial: leaf.serialNumber.toLowerCase(),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    domains,
    notBefore: new Date(leaf.validFrom),
    notAfter,
  };
}

function parseChain(fullchainPem: string): X509Certificate[] {
  const blocks = fullchainPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw new Failure({ ...wrongDetails('it cannot be parsed'), cause });
  }
}

/** Subject alternative names, addresses in the spelling of RFC 5952; node:crypto prints them in full length. */
const namesOf = (leaf: X509Certificate): string[] =>
  (leaf.subjectAltName ?? '').split(', ').flatMap((entry) => {
    const [, name] = /^(?:DNS|IP Address):(.*)$/.exec(entry) ?? [];
    return name === undefined ? [] : [canonicalName(name)];
  });

const wrongDetails = (what: string) => ({
  code: 'issued-chain-wrong',
  disposition: 'give-up' as const,
  message: `the CA issued a chain that cannot be used: ${what}`,
});
const wrong = (what: string) => new Failure(wrongDetails(what));

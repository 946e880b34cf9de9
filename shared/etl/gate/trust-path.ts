import { X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';

/** The way from a leaf to whoever is trusted. */
export interface TrustPath {
  /** The leaf and the intermediates above it, in order; at least the leaf. */
  readonly links: readonly X509Certificate[];
  /** The trusted certificate that signed the last link; absent where none was found. */
  readonly anchor?: X509Certificate | undefined;
}

/** RFC 5280 sets no limit; no public chain has more than four. */
const mostLinks = 10;

/**
 * Follows the signatures over `chain` (the leaf first, then whatever was sent), turning to a trusted issuer as soon
 * as there is one, as OpenSSL does. Judges neither dates nor names.
 */
export function findTrustPath(
  chain: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): TrustPath {
  const [leaf, ...others] = chain;
  const links = leaf ? [leaf] : [];
  for (let last = leaf; last && links.length <= mostLinks; ) {
    const signed = last;
    const anchor = anchors.find((each) => hasIssued(each, signed));
    if (anchor) return { links, anchor };
    last = others.find((each) => !links.includes(each) && hasIssued(each, signed));
    if (last) links.push(last);
  }
  return { links };
}

function hasIssued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    // A key of a kind that OpenSSL does not know.
    return false;
  }
}

/** Every certificate in a PEM text. @throws Error where one of them is malformed */
export const readCertificates = (pem: string): readonly X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (each) => new X509Certificate(each),
  );

let publicAnchors: readonly X509Certificate[] | undefined;

/** The certificates of `roots`, or Node's own. */
export function trustedBy(roots: string | undefined): readonly X509Certificate[] {
  if (roots !== undefined) return readCertificates(roots);
  publicAnchors ??= getCACertificates('default').map((pem) => new X509Certificate(pem));
  return publicAnchors;
}

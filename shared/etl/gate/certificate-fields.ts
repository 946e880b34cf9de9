import { constructed, context, type DerValue, derTags, expectTag, readDer, within } from './der.ts';

/** What Node does not tell of a certificate, for looking it up in a revocation list. */
export interface CertificateFields {
  /** DER, to be compared byte for byte. */
  readonly issuer: Buffer;
  readonly serial: Buffer;
  /** Names revocation lists at all. */
  readonly namesLists: boolean;
  /** The lists that are complete and signed by its own issuer, over http or https. */
  readonly listUrls: readonly string[];
  /** What its key may be used for (RFC 5280, 4.2.1.3); absent where it does not say. */
  readonly mayVerifyLists?: boolean | undefined;
}

/** By their object identifiers in DER, hexadecimal. */
const extensionIds = { keyUsage: '551d0f', crlDistributionPoints: '551d1f' };

/** @throws RangeError where the certificate is malformed */
export function readCertificateFields(der: Buffer): CertificateFields {
  const [tbs] = within(expectTag(readDer(der), derTags.sequence));
  // version [0], serial, signature, issuer, validity, subject, key, …, extensions [3] (RFC 5280, 4.1)
  const fields = [...within(expectTag(tbs, derTags.sequence))];
  const at = fields[0]?.tag === constructed(0) ? 1 : 0;
  const extensions = readExtensions(fields.find(({ tag }) => tag === constructed(3)));
  const points = extensions.find(({ id }) => id === extensionIds.crlDistributionPoints);
  const keyUsage = extensions.find(({ id }) => id === extensionIds.keyUsage);
  return {
    serial: expectTag(fields[at], derTags.integer).content,
    issuer: expectTag(fields[at + 2], derTags.sequence).whole,
    namesLists: points !== undefined,
    listUrls: points ? readListUrls(readDer(points.value)) : [],
    ...(keyUsage && { mayVerifyLists: hasListSigningBit(readDer(keyUsage.value)) }),
  };
}

export interface DerExtension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Buffer;
}

/** @throws RangeError */
export function readExtensions(tagged: DerValue | undefined): readonly DerExtension[] {
  if (!tagged) return [];
  const [list] = within(tagged);
  return [...within(expectTag(list, derTags.sequence))].map((extension) => {
    const parts = [...within(extension)];
    return {
      id: expectTag(parts[0], derTags.objectIdentifier).content.toString('hex'),
      critical: parts[1]?.tag === derTags.boolean && parts[1].content[0] !== 0,
      value: expectTag(parts.at(-1), derTags.octetString).content,
    };
  });
}

/** The URIs of a DistributionPointName (RFC 5280, 4.2.1.13), given the [0] around it. */
export function readPointUrls(name: DerValue | undefined): readonly string[] {
  const [fullName] = name ? within(name) : [];
  if (fullName?.tag !== constructed(0)) return [];
  return [...within(fullName)]
    .filter(({ tag }) => tag === context(6))
    .map(({ content }) => content.toString('latin1'));
}

/** Points for some reasons alone, or signed by another CA, would leave questions open. */
const readListUrls = (points: DerValue): string[] =>
  [...within(points)].flatMap((point) => {
    const parts = [...within(point)];
    if (parts.some(({ tag }) => tag !== constructed(0))) return [];
    return readPointUrls(parts[0]).filter((url) => /^https?:\/\//i.test(url));
  });

/** cRLSign is bit 6; the first byte counts the unused bits. */
const hasListSigningBit = ({ content }: DerValue): boolean => ((content[1] ?? 0) & 0b10) !== 0;

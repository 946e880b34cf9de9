import { type KeyObject, verify } from 'node:crypto';
import { readExtensions, readPointUrls } from './certificate-fields.ts';
import { constructed, context, type DerValue, derTags, expectTag, readDer, readTime, within } from './der.ts';

/** A revocation list (RFC 5280, 5), read in place: it may have hundreds of thousands of entries. */
export interface RevocationList {
  /** DER of the name. */
  readonly issuer: Buffer;
  readonly thisUpdateAt: Date;
  readonly nextUpdateAt?: Date | undefined;
  /** The part of the issuer's certificates it is about; everything where it does not say. */
  readonly scope: ListScope;
  readonly sizeBytes: number;
  /** By the content of the certificate's serial number. */
  names(serial: Buffer): boolean;
  isSignedBy(key: KeyObject): boolean;
}

export interface ListScope {
  /** Where it says it is published; empty where it does not say. */
  readonly urls: readonly string[];
  readonly only?: 'leaves' | 'authorities' | undefined;
  /** It is a delta, indirect, for some reasons alone, or has an extension that is not known here. */
  readonly partial: boolean;
}

/** @throws RangeError where it is malformed */
export function readRevocationList(der: Buffer): RevocationList {
  const [tbs, algorithm, signature] = within(expectTag(readDer(der), derTags.sequence));
  // version (absent in v1), signature, issuer, thisUpdate, nextUpdate?, revokedCertificates?, extensions [0]?
  const fields = [...within(expectTag(tbs, derTags.sequence))];
  if (fields[0]?.tag === derTags.integer) fields.shift();
  const [innerAlgorithm, issuer, thisUpdate, ...rest] = fields;
  const nextUpdate = isTime(rest[0]) ? rest.shift() : undefined;
  const entries = rest.find(({ tag }) => tag === derTags.sequence);
  return {
    issuer: expectTag(issuer, derTags.sequence).whole,
    thisUpdateAt: readTime(thisUpdate),
    ...(nextUpdate && { nextUpdateAt: readTime(nextUpdate) }),
    scope: readScope(rest.find(({ tag }) => tag === constructed(0))),
    sizeBytes: der.length,
    names: (serial) => namesSerial(entries, serial),
    isSignedBy: (key) => isSigned({ tbs, innerAlgorithm, algorithm, signature }, key),
  };
}

const isTime = (value: DerValue | undefined): boolean =>
  value?.tag === derTags.utcTime || value?.tag === derTags.generalizedTime;

function namesSerial(entries: DerValue | undefined, serial: Buffer): boolean {
  if (!entries) return false;
  const sought = withoutZeros(serial);
  for (const entry of within(entries))
    if (withoutZeros(readDer(entry.content).content).equals(sought)) return true;
  return false;
}

/** Some CAs forget the zero that keeps a number from being negative. */
function withoutZeros(number: Buffer): Buffer {
  let start = 0;
  while (start < number.length - 1 && number[start] === 0) start += 1;
  return number.subarray(start);
}

const listExtensions = { deltaIndicator: '551d1b', issuingPoint: '551d1c' };

function readScope(tagged: DerValue | undefined): ListScope {
  const extensions = readExtensions(tagged);
  const point = extensions.find(({ id }) => id === listExtensions.issuingPoint);
  const unknown = extensions.some(
    ({ id, critical }) =>
      id === listExtensions.deltaIndicator || (critical && id !== listExtensions.issuingPoint),
  );
  if (!point) return { urls: [], partial: unknown };
  // distributionPoint [0], onlyUser [1], onlyCA [2], onlySomeReasons [3], indirect [4], onlyAttribute [5]: 5.2.5
  const parts = [...within(readDer(point.value))];
  const says = (number: number) =>
    parts.some(({ tag, content }) => tag === context(number) && content[0] !== 0);
  return {
    urls: readPointUrls(parts.find(({ tag }) => tag === constructed(0))),
    ...(says(1) ? { only: 'leaves' as const } : says(2) ? { only: 'authorities' as const } : {}),
    partial: unknown || says(3) || says(4) || says(5),
  };
}

/** Digests by the object identifier of the signature's algorithm; null: the algorithm has its own. */
const digests: Readonly<Record<string, string | null>> = {
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2b6570': null,
};

interface Signed {
  readonly tbs: DerValue | undefined;
  readonly innerAlgorithm: DerValue | undefined;
  readonly algorithm: DerValue | undefined;
  readonly signature: DerValue | undefined;
}

function isSigned({ tbs, innerAlgorithm, algorithm, signature }: Signed, key: KeyObject): boolean {
  const { whole } = expectTag(algorithm, derTags.sequence);
  const [id] = within(expectTag(innerAlgorithm, derTags.sequence));
  const digest = digests[expectTag(id, derTags.objectIdentifier).content.toString('hex')];
  const [unusedBits, bits] = splitBits(expectTag(signature, derTags.bitString).content);
  // The algorithm stands twice, and only the inner one is signed (RFC 5280, 5.1.1.2).
  if (digest === undefined || unusedBits !== 0 || !innerAlgorithm?.whole.equals(whole)) return false;
  return verify(digest, expectTag(tbs, derTags.sequence).whole, key, bits);
}

const splitBits = (content: Buffer): [number | undefined, Buffer] => [content[0], content.subarray(1)];

import { X509Certificate } from 'node:crypto';
import { type DerElement, derTags, readDer } from './der.ts';

const authorityKeyIdentifier = Buffer.from([0x55, 0x1d, 0x23]);
/** Context tags: the extensions of a certificate, and keyIdentifier within the extension (RFC 5280, 4.2.1.1). */
const extensionsTag = 0xa3;
const keyIdentifierTag = 0x80;

/**
 * The certificate identifier of renewal information (RFC 9773, 4.1): the authority key identifier and the serial
 * number as its DER bytes, a leading zero byte included, in base64url. Of a chain, its leaf's. undefined where the
 * certificate names no authority key or cannot be read.
 */
export function certificateIdOf(leafPem: string): string | undefined {
  try {
    const [certificate] = readDer(new X509Certificate(leafPem).raw);
    const [tbs] = childrenOf(certificate);
    const fields = childrenOf(tbs);
    const serial = fields.find(({ tag }) => tag === derTags.integer)?.content;
    const [extensions] = childrenOf(fields.find(({ tag }) => tag === extensionsTag));
    const keyIdentifier = findKeyIdentifier(childrenOf(extensions));
    return serial && keyIdentifier && `${base64url(keyIdentifier)}.${base64url(serial)}`;
  } catch {
    return undefined;
  }
}

function findKeyIdentifier(extensions: readonly DerElement[]): Uint8Array | undefined {
  for (const extension of extensions) {
    const parts = childrenOf(extension);
    if (parts[0]?.tag !== derTags.oid || !authorityKeyIdentifier.equals(parts[0].content)) continue;
    const [value] = childrenOf(parts.find(({ tag }) => tag === derTags.octetString));
    return childrenOf(value).find(({ tag }) => tag === keyIdentifierTag)?.content;
  }
  return undefined;
}

const childrenOf = (element: DerElement | undefined): DerElement[] =>
  element ? readDer(element.content) : [];

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

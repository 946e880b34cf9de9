import { malformed, notFound } from './problem.ts';

/**
 * The serial number (lower-case hexadecimal) in a certificate identifier (RFC 9773, 4.1) of this issuer. The
 * second half is the DER INTEGER's contents byte for byte: a zero leads where the high bit is set, and only there.
 * @throws AcmeProblem `malformed` with status 400, or 404 for what this CA cannot have issued (Boulder wfe2)
 */
export function readCertificateIdentifier(value: string, issuerKeyId: string): string {
  const [keyId = '', serial = '', ...rest] = value.split('.');
  if (keyId === '' || serial === '' || rest.length > 0) throw malformed('Invalid path');
  const issuer = decode(keyId);
  if (issuer === undefined) {
    throw malformed('Authority Key Identifier was not base64url-encoded or contained padding');
  }
  if (issuer.toString('hex') !== issuerKeyId) {
    throw notFound('path contained an Authority Key Identifier that did not match a known issuer');
  }
  const found = serialIn(value);
  if (found === undefined) throw notFound('serial number was not the base64url of a positive DER integer');
  return found;
}

/** The serial alone, whoever the issuer is. */
export function serialIn(value: string): string | undefined {
  const bytes = decode(value.split('.')[1] ?? '');
  const first = bytes?.at(0);
  if (bytes === undefined || first === undefined || first >= 0x80) return undefined;
  if (first !== 0) return bytes.toString('hex');
  return (bytes.at(1) ?? 0) >= 0x80 ? bytes.subarray(1).toString('hex') : undefined;
}

/** Canonical base64url without padding, or undefined. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

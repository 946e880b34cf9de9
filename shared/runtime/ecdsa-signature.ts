/**
 * An ECDSA signature from DER (SEQUENCE of two INTEGERs; RFC 3279, 2.2.3) to the r || s of JWS (RFC 7518, 3.4),
 * each `partBytes` long. DER integers drop leading zeros and add one before a high bit; both are undone here.
 * @throws RangeError where it is no such signature
 */
export function toRawSignature(der: Uint8Array, partBytes: number): Buffer {
  const content = readElement(der, 0, 0x30);
  if (content.end !== der.length) throw new RangeError('bytes follow the signature');
  const r = readElement(der, content.start, 0x02);
  const s = readElement(der, r.end, 0x02);
  if (s.end !== content.end) throw new RangeError('the signature does not end with s');
  const raw = Buffer.alloc(2 * partBytes);
  for (const [index, { start, end }] of [r, s].entries()) {
    const digits = withoutLeadingZeros(der.subarray(start, end));
    if (digits.length > partBytes) throw new RangeError(`an integer is over ${partBytes} bytes`);
    raw.set(digits, (index + 1) * partBytes - digits.length);
  }
  return raw;
}

/** Where an element's content starts and ends. P-521 aside, which no CA takes, lengths fit one byte. */
function readElement(der: Uint8Array, at: number, tag: number): { start: number; end: number } {
  const length = der[at + 1] ?? 0x80;
  const start = at + 2;
  if (der[at] !== tag || length === 0 || length >= 0x80 || start + length > der.length)
    throw new RangeError(`no element of tag ${tag} at byte ${at}`);
  return { start, end: start + length };
}

const withoutLeadingZeros = (digits: Uint8Array): Uint8Array => {
  const first = digits.findIndex((digit) => digit !== 0);
  return first < 0 ? new Uint8Array() : digits.subarray(first);
};

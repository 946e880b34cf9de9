/** What a personal value is, which decides which spellings of it are the same. */
export const piiKinds = ['email', 'phone', 'name', 'generic'] as const;
export type PiiKind = (typeof piiKinds)[number];

/** Text that NFKC and trimming leave alone, so that the common row does not pay for either. */
const plainAscii = /^[!-~](?:[ -~]*[!-~])?$/;

const fold = (text: string) => (plainAscii.test(text) ? text : text.normalize('NFKC').trim());

/** A plus in front and the digits; whatever stands between them is layout. */
function phoneOf(text: string): string {
  let kept = text.startsWith('+') ? '+' : '';
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57) kept += text[at];
  }
  if (kept.startsWith('00')) kept = `+${kept.slice(2)}`;
  return kept === '+' ? '' : kept;
}

/**
 * The one spelling of a personal value, before it is hashed. E-mail addresses and names are compared without case; a
 * phone number by its digits with its plus, 00 read as plus; anything else as it is written. Spellings are unified,
 * never corrected: dots and tags in an e-mail address stay, since they are another's address elsewhere.
 */
export const normalisePii: Readonly<Record<PiiKind, (text: string) => string>> = {
  email: (text) => fold(text).toLowerCase(),
  phone: (text) => phoneOf(fold(text)),
  name: (text) => fold(text).replaceAll(/\s+/g, ' ').toLowerCase(),
  generic: fold,
};

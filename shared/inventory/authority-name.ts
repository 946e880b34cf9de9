import { quote } from './problems.ts';

export type AuthorityVerdict =
  | { readonly ok: true; readonly ca: string }
  | { readonly ok: false; readonly message: string };

const catalogueId = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const longestUrl = 2048;

/**
 * Reads the CA a certificate asks for: the id of a row of the catalogue, or an ACME directory's URL, which is
 * answered in the form in which URLs are compared. Which ids there are is the catalogue's to say.
 */
export function readAuthority(text: string): AuthorityVerdict {
  if (catalogueId.test(text)) return { ok: true, ca: text };
  const url = text.length <= longestUrl ? URL.parse(text) : null;
  if (!url)
    return refuse(`${quote(text)}: is neither a CA's id, such as "lets-encrypt", nor a directory URL`);
  // Not shown: the message is logged.
  if (url.username !== '' || url.password !== '') return refuse('holds credentials; a URL here must not');
  if (url.protocol !== 'https:') return refuse(`${quote(text)}: is not an https URL (RFC 8555, 6.1)`);
  if (url.hash !== '') return refuse(`${quote(text)}: has a fragment, which no directory URL has`);
  return { ok: true, ca: url.href };
}

const refuse = (message: string): AuthorityVerdict => ({ ok: false, message });

import { oneLine } from '../../report/readable-text.ts';

/** What stands in a report for a word that is not of the form it should have: it may be data. */
const unreadable = 'unreadable';

const wordOr = (form: RegExp) => (text: string) => (form.test(text) ? text : unreadable);

/** A stable code as programmers write them. */
export const asCode = wordOr(/^[a-z][a-z0-9-]{0,63}$/);

/** A TLS version or cipher suite as OpenSSL names them. */
export const asTlsWord = wordOr(/^[A-Za-z0-9._-]{1,64}$/);

/** A host name, or an address, with or without a port. */
export const asHost = wordOr(/^[A-Za-z0-9._:[\]-]{1,261}$/);

/** A digest in hexadecimal; undefined for anything else. */
export const asDigest = (text: string | undefined): string | undefined =>
  text !== undefined && /^[0-9a-f]{6,128}$/.test(text) ? text : undefined;

/** Words of the definition or of certfleet itself. */
export const asWords = (text: string): string => oneLine(text);

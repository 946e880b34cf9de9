/** A JSON pointer (RFC 6901) to where the parts lead; the whole document for none. */
export const pointerTo = (...parts: readonly PropertyKey[]): string =>
  parts.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

import { z } from 'zod';

/** Names every object answers to already; a column so called would read the language instead of the row. */
const inherited = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype']);

const controlCharacters = /\p{Cc}|\p{Cs}/u;

/** What a column may be called: 1 to 128 characters, none of them a control, nothing the language answers to. */
export const columnName = z
  .string()
  .min(1)
  .max(128)
  .refine((name) => !controlCharacters.test(name), 'holds a control character')
  .refine((name) => !inherited.has(name), 'is a name of the language and cannot be a column');

/** A name that goes into keys, object paths and messages unquoted. */
export const plainName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, {
  message: 'is written in lower case letters, digits and hyphens, 63 at most, a letter first',
});

/** A name that goes into SQL; never quoted by the definition, always by the destination. */
export const sqlName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, {
  message: 'is a plain SQL identifier: letters, digits, underscores, 63 at most',
});

/** Labels of letters, digits and hyphens; the last begins with a letter, so no odd spelling of an address is one. */
const namedHost =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/** A host without scheme or port; what it resolves to is judged when it is dialled. */
export const hostName = z.union(
  [z.string().max(253).regex(namedHost, { message: 'is a host name' }), z.ipv4(), z.ipv6()],
  { message: 'is a host name or an address' },
);

/** Where a secret is kept, never the secret itself. */
export const secretName = z.string().regex(/^[A-Za-z0-9/_+=.@-]{1,512}$/, {
  message: 'names a secret in Secrets Manager',
});

/** A certificate of the fleet by its id, presented as the client's own. */
export const certificateId = z.string().min(1).max(253);

export const httpsUrl = z
  .url({ protocol: /^https$/, message: 'is an https URL' })
  .max(2_048)
  .refine((text) => !/^https:\/\/[^/]*@/.test(text), 'holds a user or password; name a secret instead');

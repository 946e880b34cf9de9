import { createHash } from 'node:crypto';
import type { Endpoint } from './published-limits.ts';

const digest = (text: string) => createHash('sha256').update(text).digest('base64url');

const longestPart = 100;
/** Readable while it is short; a long part keeps its beginning and is told apart by a digest. */
const part = (text: string) =>
  text.length <= longestPart ? text : `${text.slice(0, longestPart - 33)}~${digest(text).slice(0, 32)}`;

export const ordersKey = (ca: string, account: string): string => `${part(ca)}/orders/${part(account)}`;

export const domainKey = (ca: string, registeredDomain: string): string =>
  `${part(ca)}/domain/${part(registeredDomain)}`;

/** The same for the same names, in whatever order and case they come. */
export const setKey = (ca: string, names: readonly string[]): string =>
  `${part(ca)}/set/${digest([...new Set(names.map((name) => name.toLowerCase()))].sort().join('\n'))}`;

/** A wildcard is authorized under the name below it (RFC 8555 section 7.1.4). */
export const failuresKey = (ca: string, { account, name }: { account: string; name: string }): string =>
  `${part(ca)}/failures/${part(account)}/${part(name.toLowerCase().replace(/^\*\./, ''))}`;

export const accountsKey = (ca: string): string => `${part(ca)}/accounts`;

export const requestsKey = (ca: string, endpoint: Endpoint): string => `${part(ca)}/requests/${endpoint}`;

/** A holder as buckets keep it: short whatever its length, since a bucket may have to list many. */
export const holderMark = (holder: string): string => digest(holder).slice(0, 16);

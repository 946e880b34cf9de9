import { isIP } from 'node:net';

/** An ACME identifier (RFC 8555, 9.7.7; RFC 8738 for addresses). */
export interface Identifier {
  readonly type: 'dns' | 'ip';
  readonly value: string;
}

/** What newOrder calls this name: addresses are `ip` in the text of RFC 5952, everything else is `dns`. */
export const toIdentifier = (name: string): Identifier =>
  isIP(name) ? { type: 'ip', value: canonicalName(name) } : { type: 'dns', value: name };

/** A name as it is compared: host names in lower case, addresses in one spelling (RFC 5952, 4). */
export function canonicalName(name: string): string {
  if (isIP(name) !== 6) return name.toLowerCase();
  return new URL(`https://[${name}]`).hostname.slice(1, -1);
}

/** An IP address as the 4 or 16 bytes of a subject alternative name (RFC 5280, 4.2.1.6). */
export function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = canonicalName(address).split('::');
  const groupsOf = (text: string | undefined) => (text ? text.split(':') : []);
  const left = groupsOf(head);
  const right = groupsOf(tail);
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  const groups = [...left, ...zeros, ...right];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** The name in an identifier object a CA sent; undefined where it holds none. */
export function readName(identifier: unknown): string | undefined {
  const value = (identifier as { value?: unknown } | null | undefined)?.value;
  return typeof value === 'string' ? canonicalName(value) : undefined;
}

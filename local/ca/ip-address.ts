import { isIP, isIPv4 } from 'node:net';

/** The one way to write an IP address (RFC 5952 for version 6); undefined when it is none. */
export function canonicalAddress(address: string): string | undefined {
  if (isIP(address) === 0) return undefined;
  return isIPv4(address) ? address : new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** The 32 hexadecimal digits of a canonical IPv6 address. */
export function addressDigits(address: string): string[] {
  const [head = '', tail = ''] = address.split('::', 2);
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const zeros = Array.from({ length: 8 - groups(head).length - groups(tail).length }, () => '0');
  return [...groups(head), ...zeros, ...groups(tail)].flatMap((group) => [...group.padStart(4, '0')]);
}

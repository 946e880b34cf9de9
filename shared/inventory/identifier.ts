import { BlockList, isIP, isIPv4 } from 'node:net';
import { type DomainNameVerdict, parseDomainName } from './domain-name.ts';

/** Addresses that are never those of one host: RFC 1122, 3.2.1.3; RFC 1112, 4; RFC 4291, 2.5.2 and 2.7. */
const nobody = new BlockList();
nobody.addSubnet('0.0.0.0', 8);
nobody.addSubnet('224.0.0.0', 3);
nobody.addAddress('::', 'ipv6');
nobody.addSubnet('ff00::', 8, 'ipv6');

/**
 * Reads what a certificate may be for: a DNS name (RFC 8555, 7.1.3) or an IP address (RFC 8738), as
 * `192.0.2.1` or in the form of RFC 5952 without brackets. Parsing the accepted form again answers itself.
 */
export const parseIdentifier = (text: string): DomainNameVerdict =>
  isIP(unbracketed(text)) === 0 ? parseDomainName(text) : parseAddress(text);

/** Whether an accepted identifier is an IP address. */
export const isAddress = (identifier: string): boolean => isIP(identifier) !== 0;

function parseAddress(text: string): DomainNameVerdict {
  if (text.startsWith('[')) return { ok: false, reason: 'has brackets; give the address alone' };
  if (text.includes('%'))
    return { ok: false, reason: 'has a zone; an address of one machine only cannot be proved' };
  const address = isIPv4(text) ? text : shortest(text);
  if (address.startsWith('::ffff:')) {
    return { ok: false, reason: 'is an IPv4 address written as IPv6; give it as four numbers' };
  }
  return nobody.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
    ? { ok: false, reason: 'is not the address of one host' }
    : { ok: true, domain: address };
}

/** URLs serialise addresses as RFC 5952 asks: lower case, zeros left out, the longest run of them as `::`. */
const shortest = (address: string): string => unbracketed(new URL(`http://[${address}]/`).hostname);

const unbracketed = (text: string): string => text.replace(/^\[(.*)\]$/, '$1');

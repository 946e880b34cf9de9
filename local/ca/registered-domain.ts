import { isIPv4, isIPv6 } from 'node:net';
import { getDomain } from 'tldts';
import { addressDigits, canonicalAddress } from './ip-address.ts';

/**
 * What a name is counted under (Boulder's ratelimits/utilities.go): the registered domain by the public suffix
 * list with its private part, a suffix for itself, an IPv4 address alone, an IPv6 address by its /64.
 */
export function coverOf(name: string): string {
  if (isIPv4(name)) return `${name}/32`;
  if (isIPv6(name)) return `${firstHalf(name)}/64`;
  const domain = name.startsWith('*.') ? name.slice(2) : name;
  return getDomain(domain, { allowPrivateDomains: true }) ?? domain;
}

function firstHalf(address: string): string | undefined {
  const digits = addressDigits(address).join('');
  return canonicalAddress(`${digits.slice(0, 16).replace(/.{4}/g, '$&:')}:`);
}

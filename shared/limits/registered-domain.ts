import { isIP } from 'node:net';
import { getDomain } from 'tldts';

/**
 * The registered domain under which Let's Encrypt counts an identifier: the public suffix and one label more,
 * the list's private suffixes included (Boulder hands its names to weppos/publicsuffix-go, which counts those by
 * default); a name that is itself a public suffix stands for itself. An IPv4 address is counted as it is, an
 * IPv6 address by its /64. A wildcard counts as the name below it.
 */
export function registeredDomainOf(identifier: string): string {
  const name = identifier.toLowerCase().replace(/^\*\./, '').replace(/\.$/, '');
  const family = isIP(name);
  if (family === 4) return name;
  if (family === 6) return networkOf(name);
  return (
    getDomain(name, { allowPrivateDomains: true, extractHostname: false, validateHostname: false }) ?? name
  );
}

function networkOf(address: string): string {
  const [head = '', tail] = withoutDottedEnd(address).split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? 0 : 8 - groups.length - rest.length;
  const all = [...groups, ...Array.from({ length: gap }, () => '0'), ...rest];
  const network = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}

/** An IPv6 address may end in an IPv4 one, which stands for two groups. */
const withoutDottedEnd = (address: string): string =>
  address.includes('.') ? `${address.slice(0, address.lastIndexOf(':'))}:0:0` : address;

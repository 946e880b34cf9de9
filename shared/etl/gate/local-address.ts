import { BlockList, isIP, isIPv4 } from 'node:net';

/** IPv4 written as IPv6 (RFC 4291, 2.5.5) is checked as IPv4 by BlockList itself. */
const local = new BlockList();
/** This host: RFC 1122, 3.2.1.3. */
local.addSubnet('0.0.0.0', 8);
local.addSubnet('127.0.0.0', 8);
/** RFC 3927; what a cloud tells its machines about themselves is here. */
local.addSubnet('169.254.0.0', 16);
/** The unspecified address, loopback, and the deprecated way of writing IPv4. */
local.addSubnet('::', 96, 'ipv6');
local.addSubnet('fe80::', 10, 'ipv6');
/** The instance metadata and resolver of AWS over IPv6. */
local.addSubnet('fd00:ec2::', 32, 'ipv6');
/** Translated by NAT64: RFC 6052, 2.1. */
local.addSubnet('64:ff9b::7f00:0', 104, 'ipv6');
local.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');

export const isAddress = (text: string): boolean => isIP(text) !== 0;

/**
 * Whether an address is one of this machine or its link: loopback, link-local or unspecified. Private networks are
 * not: a company's own services live there.
 */
export function isLocalAddress(address: string): boolean {
  const [bare = ''] = address.split('%');
  return local.check(bare, isIPv4(bare) ? 'ipv4' : 'ipv6');
}

import { isIPv6 } from 'node:net';
import { parseIdentifier } from './identifier.ts';

export type EndpointVerdict =
  | { readonly ok: true; readonly endpoint: string; readonly host: string }
  | { readonly ok: false; readonly reason: string };

/**
 * Reads `host` or `host:port`, where a certificate is to be verified. The host is a DNS name or an IP address,
 * because it is also what the served certificate must be valid for; it is answered in A-labels and lower case.
 * An IPv6 address stands in brackets, as in a URL (RFC 3986, 3.2.2).
 */
export function parseEndpoint(text: string): EndpointVerdict {
  const [, written = text, port] = text.match(/^(\[[^\]]*\]|[^[]*?):([^:]*)$/s) ?? [];
  if (isIPv6(text)) return { ok: false, reason: 'the host is an IPv6 address; put it in brackets' };
  if (port !== undefined && !isPort(port)) return { ok: false, reason: 'the port is not from 1 to 65535' };
  const address = written.match(/^\[(.*)\]$/s)?.[1];
  const verdict = parseIdentifier(address !== undefined && isIPv6(address) ? address : written);
  if (!verdict.ok) return { ok: false, reason: `the host ${verdict.reason}` };
  const host = verdict.domain;
  if (host.startsWith('*.')) return { ok: false, reason: 'the host is a wildcard; name one under it' };
  const shown = isIPv6(host) ? `[${host}]` : host;
  return { ok: true, host, endpoint: port === undefined ? shown : `${shown}:${Number(port)}` };
}

const isPort = (text: string): boolean => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;

import { parseDomainName } from './domain-name.ts';

export type EndpointVerdict =
  | { readonly ok: true; readonly endpoint: string }
  | { readonly ok: false; readonly reason: string };

/**
 * Reads `host` or `host:port`, where a certificate is to be verified. The host is a DNS name, because it is
 * also what the served certificate must be valid for; it is answered in A-labels and lower case.
 */
export function parseEndpoint(text: string): EndpointVerdict {
  const [, host = text, port] = text.match(/^(.*?):([^:]*)$/s) ?? [];
  if (port !== undefined && !isPort(port)) return { ok: false, reason: 'the port is not from 1 to 65535' };
  const verdict = parseDomainName(host);
  if (!verdict.ok) return { ok: false, reason: `the host ${verdict.reason}` };
  if (verdict.domain.startsWith('*.'))
    return { ok: false, reason: 'the host is a wildcard; name one under it' };
  return { ok: true, endpoint: port === undefined ? verdict.domain : `${verdict.domain}:${Number(port)}` };
}

const isPort = (text: string): boolean => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;

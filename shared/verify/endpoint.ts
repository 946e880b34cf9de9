import { isIPv6 } from 'node:net';
import type { CertificatePolicy } from '../certificates/certificate.ts';

/**
 * A place a certificate is served at. `host` is both the name asked for (SNI) and the name it must be valid
 * for.
 */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const httpsPort = 443;

/**
 * Where a certificate is looked at: the endpoints its policy names; else every domain at 443; for a
 * certificate of wildcards alone `www.` stands for the star. No endpoint twice.
 */
export function chooseEndpoints(
  policy: Pick<CertificatePolicy, 'domains' | 'endpoints'>,
): readonly Endpoint[] {
  const plain = policy.domains.filter((domain) => !domain.startsWith('*.'));
  const hosts = plain.length > 0 ? plain : policy.domains.map((domain) => domain.replace(/^\*/, 'www'));
  const endpoints = (policy.endpoints.length > 0 ? policy.endpoints : hosts).map(readEndpoint);
  return [...new Map(endpoints.map((endpoint) => [nameEndpoint(endpoint), endpoint])).values()];
}

/** `host:port`, IPv6 in brackets, for people and as a key. */
export const nameEndpoint = ({ host, port }: Endpoint): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;

/** The inventory accepts `host` and `host:port`, with IPv6 in brackets, and names a domain as it is. */
function readEndpoint(text: string): Endpoint {
  if (isIPv6(text)) return { host: text, port: httpsPort };
  const { host = text, port } = /^\[?(?<host>.+?)\]?(?::(?<port>\d+))?$/.exec(text)?.groups ?? {};
  return { host, port: port === undefined ? httpsPort : Number(port) };
}

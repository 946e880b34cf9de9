import { Failure } from '../runtime/errors.ts';

export interface UrlScope {
  readonly directoryUrl: string;
  /** `host` or `host:port` beside the directory's own. */
  readonly hosts: readonly string[];
}

/**
 * Whether a URL that a CA handed out may be asked: https, without credentials, on the directory's own host (any
 * port) or one its catalogue row names. Signed requests never leave that circle (RFC 8555, 10.4).
 */
export function isAllowedUrl(url: string, { directoryUrl, hosts }: UrlScope): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, host, hostname, username, password } = new URL(url);
  if (protocol !== 'https:' || username || password) return false;
  return hostname === new URL(directoryUrl).hostname || hosts.includes(host);
}

/** @throws Failure `ca-url-refused` */
export function requireAllowedUrl(url: string, scope: UrlScope): void {
  if (isAllowedUrl(url, scope)) return;
  const host = URL.canParse(url) ? new URL(url).host : 'no host';
  throw new Failure({
    code: 'ca-url-refused',
    disposition: 'give-up',
    message: `${scope.directoryUrl} handed out a URL on ${host}, which is not https on a host of this CA; check the directory URL, or add the host to the CA's row of the catalogue`,
  });
}

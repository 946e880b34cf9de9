import type { TxtRecord } from './provider.ts';

/** A server whose answers a CA may get. */
export interface AuthoritativeServer {
  /** What messages call it, such as `ns1.example.com (192.0.2.1:53)`. */
  readonly label: string;
  /** `address:port`, the address in brackets for IPv6. */
  readonly address: string;
}

export type Visibility = { readonly visible: true } | { readonly visible: false; readonly reason: string };

/** Looks whether a TXT value is on show at every server a CA may ask. */
export interface PropagationCheck {
  /**
   * Every server to ask about `fqdn`, at least one.
   * @throws Failure `challenge-dns-servers-unknown` (retry)
   */
  findServers(fqdn: string, signal: AbortSignal): Promise<readonly AuthoritativeServer[]>;
  /** One fresh question to one server; a server that does not answer shows nothing. */
  check(server: AuthoritativeServer, record: TxtRecord, signal: AbortSignal): Promise<Visibility>;
}

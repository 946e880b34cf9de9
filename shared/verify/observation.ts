import type { X509Certificate } from 'node:crypto';

/** What one address served when it was asked for one host. */
export type TlsObservation = ReachedObservation | UnreachedObservation;

export interface ReachedObservation {
  readonly reached: true;
  /** The address connected to; several observations of one endpoint differ in it. */
  readonly address: string;
  /** As OpenSSL names it, such as `TLSv1.3`. */
  readonly protocol: string;
  readonly cipher: string;
  readonly leaf: ObservedLeaf;
  /** Certificates the server sent, the leaf included. */
  readonly chainLength: number;
  /**
   * Whether the chain builds to the trust store and every date in it holds; the host name is judged apart.
   */
  readonly authorized: boolean;
  /** OpenSSL's verification code, such as `CERT_HAS_EXPIRED`; absent when `authorized`. */
  readonly authorizationError?: string | undefined;
  readonly hostNameMatches: boolean;
  /** As sent, the leaf first; absent unless a closer look was asked for, as are the next two. */
  readonly chain?: readonly X509Certificate[] | undefined;
  /** Whether the server asked for a client certificate. */
  readonly clientCertificateAsked?: boolean | undefined;
  /** The server ended the connection right after the handshake; by an alert, if there is an error. */
  readonly hungUp?: { readonly error?: HandshakeError | undefined } | undefined;
}

/** As Node and OpenSSL tell it. */
export interface HandshakeError {
  /** Such as `ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED`; empty where there is none. */
  readonly code: string;
  readonly message: string;
}

export interface ObservedLeaf {
  /** Lower-case hexadecimal without leading zeros. */
  readonly serial: string;
  /** SHA-256 over the DER, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DNS names and addresses, without their type. */
  readonly subjectAltNames: readonly string[];
}

/**
 * `refused`: nobody listens there. `unreachable`: there is no route to that address from here, as to an IPv6
 * address from a network without IPv6. `reset`: the peer hung up. `tls`: both spoke but agreed on no
 * connection.
 */
export type UnreachedCode = 'refused' | 'unreachable' | 'timeout' | 'reset' | 'dns' | 'tls';

export interface UnreachedObservation {
  readonly reached: false;
  /** Absent where the host name led to no address. */
  readonly address?: string | undefined;
  readonly code: UnreachedCode;
  readonly message: string;
  /** Why the handshake failed; with `tls` alone, as is the next. */
  readonly error?: HandshakeError | undefined;
  readonly clientCertificateAsked?: boolean | undefined;
}

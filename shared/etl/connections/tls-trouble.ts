/** What can go wrong before a byte of data is exchanged; each is the code of a Failure. */
export type HandshakeTrouble =
  | 'certificate-expired'
  | 'certificate-not-yet-valid'
  | 'certificate-wrong-host'
  | 'certificate-self-signed'
  | 'certificate-untrusted'
  | 'certificate-revoked'
  | 'certificate-weak-key'
  | 'tls-too-old'
  | 'client-certificate-required'
  | 'client-certificate-refused'
  | 'tls-failed'
  | 'peer-unreachable'
  | 'peer-timeout'
  | 'peer-reset';

/** The number of the TLS alert (RFC 8446, 6) that ended a connection, read from an error of Node's. */
export function alertOf(code: string, message: string): number | undefined {
  if (!code.startsWith('ERR_SSL_') && code !== 'EPROTO') return undefined;
  const number = /SSL alert number (\d{1,3})\b/.exec(message)?.[1];
  return number === undefined ? undefined : Number(number);
}

const protocolVersion = 70;
const certificateRequired = 116;
const handshakeFailure = 40;
/** bad, unsupported, revoked, expired and unknown certificate, unknown CA, access denied, unknown identity. */
const refusals = new Set([42, 43, 44, 45, 46, 48, 49, 115]);

/**
 * Before TLS 1.3 a server that misses a client certificate says no more than handshake_failure; so does one that
 * shares no cipher, which a peer that was looked at with the same terms does not suddenly become.
 */
export function troubleOfAlert(alert: number, used: { clientCertificate: boolean }): HandshakeTrouble {
  if (alert === protocolVersion) return 'tls-too-old';
  if (alert === certificateRequired) return 'client-certificate-required';
  if (refusals.has(alert)) return 'client-certificate-refused';
  if (alert !== handshakeFailure) return 'tls-failed';
  return used.clientCertificate ? 'client-certificate-refused' : 'client-certificate-required';
}

/** By the code of an error, or of `authorizationError`; undefined where it is about something else. */
export function troubleOfCode(code: string, message = ''): HandshakeTrouble | undefined {
  const known = codes.get(code);
  if (known) return known;
  // OpenSSL has codes for these that Node does not name.
  if (code === 'UNSPECIFIED')
    return /too weak/.test(message) ? 'certificate-weak-key' : 'certificate-untrusted';
  // Where bytes were waiting to be sent, Node answers for the write that failed.
  if (code === 'EPROTO' && /:unsupported protocol:/.test(message)) return 'tls-too-old';
  return code.startsWith('ERR_SSL_') || code === 'EPROTO' ? 'tls-failed' : undefined;
}

const inGroups: Readonly<Record<HandshakeTrouble, readonly string[]>> = {
  'certificate-expired': ['CERT_HAS_EXPIRED'],
  'certificate-not-yet-valid': ['CERT_NOT_YET_VALID'],
  'certificate-wrong-host': [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_TLS_CERT_ALTNAME_FORMAT',
    'HOSTNAME_MISMATCH',
  ],
  'certificate-self-signed': ['DEPTH_ZERO_SELF_SIGNED_CERT'],
  'certificate-untrusted': [
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
    'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
    'CERT_SIGNATURE_FAILURE',
    'CERT_CHAIN_TOO_LONG',
    'CERT_UNTRUSTED',
    'CERT_REJECTED',
    'INVALID_CA',
    'INVALID_PURPOSE',
    'PATH_LENGTH_EXCEEDED',
    'ERROR_IN_CERT_NOT_BEFORE_FIELD',
    'ERROR_IN_CERT_NOT_AFTER_FIELD',
  ],
  'certificate-revoked': ['CERT_REVOKED'],
  'certificate-weak-key': [],
  'tls-too-old': [
    'ERR_SSL_UNSUPPORTED_PROTOCOL',
    'ERR_SSL_VERSION_TOO_LOW',
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  ],
  'client-certificate-required': ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'],
  'client-certificate-refused': [],
  'tls-failed': [],
  'peer-unreachable': [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EADDRNOTAVAIL',
    'EAFNOSUPPORT',
  ],
  'peer-timeout': ['ETIMEDOUT', 'ERR_SOCKET_CONNECTION_TIMEOUT', 'TimeoutError'],
  'peer-reset': ['ECONNRESET', 'ECONNABORTED', 'EPIPE'],
};

const codes: ReadonlyMap<string, HandshakeTrouble> = new Map(
  (Object.keys(inGroups) as HandshakeTrouble[]).flatMap((trouble) =>
    inGroups[trouble].map((code) => [code, trouble] as const),
  ),
);

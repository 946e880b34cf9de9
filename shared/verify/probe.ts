import type { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, connect, type TLSSocket } from 'node:tls';
import { asksForCertificate, chainOf, describeError, lookCloser } from './closer-look.ts';
import type { Endpoint } from './endpoint.ts';
import type { ObservedLeaf, TlsObservation, UnreachedCode } from './observation.ts';
import { requestTls } from './upgrade.ts';

export interface ProbeRequest extends Endpoint {
  /** Connect here while asking for `host`, as curl's --connect-to does; no name is looked up then. */
  readonly connectTo?: { readonly host: string; readonly port: number } | undefined;
  /** PEM roots trusted instead of Node's own. */
  readonly roots?: string | undefined;
  /** Shown to a server that asks for a client certificate. */
  readonly client?: { readonly certificatePem: string; readonly privateKeyPem: string } | undefined;
  /** What is said in clear before the handshake. */
  readonly upgrade?: 'postgresql' | undefined;
  /**
   * Looks more closely: keeps the chain, and where the server asks for a client certificate waits so long for its
   * refusal, which in TLS 1.3 comes after the handshake.
   */
  readonly settleMillis?: number | undefined;
  /** For looking the name up, and again for each address's connection and handshake. */
  readonly timeoutMillis: number;
  readonly signal: AbortSignal;
}

export type Probe = (request: ProbeRequest) => Promise<readonly TlsObservation[]>;

/**
 * Looks at every address of an endpoint by a TLS handshake (1.2 at least) that sends no data and is hung up
 * at once. An untrusted or expired certificate is observed, not refused. Always answers at least one
 * observation.
 * @throws the signal's reason when it aborts
 */
export const probeEndpoint: Probe = async (request) => {
  request.signal.throwIfAborted();
  const addresses = request.connectTo ? [request.connectTo.host] : await findAddresses(request);
  if (!Array.isArray(addresses)) return [addresses];
  return await Promise.all(addresses.map((address) => probeAddress(request, address)));
};

async function findAddresses(request: ProbeRequest): Promise<string[] | TlsObservation> {
  const deadline = deadlineOf(request);
  try {
    const answer = lookup(request.host, { all: true });
    const found = await Promise.race([answer, once(deadline, 'abort').then(() => [])]);
    if (deadline.aborted) throw deadline.reason;
    return [...new Set(found.map(({ address }) => address))];
  } catch (error) {
    request.signal.throwIfAborted();
    return {
      reached: false,
      code: deadline.aborted ? 'timeout' : 'dns',
      message: describeError(error).message,
    };
  }
}

async function probeAddress(request: ProbeRequest, address: string): Promise<TlsObservation> {
  const deadline = deadlineOf(request);
  const place = { host: address, port: request.connectTo?.port ?? request.port };
  let socket: TLSSocket | undefined;
  let clientCertificateAsked = false;
  try {
    const plain = request.upgrade && (await requestTls({ ...place, signal: deadline }));
    socket = connect({ ...termsOf(request), ...(plain ? { socket: plain } : place) });
    // A peer may hang up while its certificate is being read; what was seen by then counts.
    socket.once('error', () => {
      clientCertificateAsked = asksForCertificate(socket);
      socket?.on('error', () => undefined);
    });
    await once(socket, 'secureConnect', { signal: deadline });
    const observation = observe(socket, request, address);
    if (request.settleMillis === undefined || !observation.reached) return observation;
    return { ...observation, ...(await lookCloser(socket, request, request.settleMillis)) };
  } catch (error) {
    request.signal.throwIfAborted();
    const code = deadline.aborted ? 'timeout' : classify(error);
    const message = deadline.aborted
      ? `no handshake within ${request.timeoutMillis} ms`
      : describeError(error).message;
    const details = code === 'tls' ? { error: describeError(error), clientCertificateAsked } : {};
    return { reached: false, address, code, message, ...details };
  } finally {
    socket?.destroy();
  }
}

const deadlineOf = ({ signal, timeoutMillis }: ProbeRequest): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(timeoutMillis)]);

const termsOf = (request: ProbeRequest): ConnectionOptions => ({
  // RFC 6066, 3: literal addresses are not permitted in SNI.
  servername: isIP(request.host) === 0 ? request.host : '',
  minVersion: 'TLSv1.2',
  ...(request.roots === undefined ? {} : { ca: request.roots }),
  ...(request.client && { cert: request.client.certificatePem, key: request.client.privateKeyPem }),
  // Refusing would hide what is served; the trust decision is kept in the observation instead.
  rejectUnauthorized: false,
  checkServerIdentity: () => undefined,
});

function observe(socket: TLSSocket, request: ProbeRequest, address: string): TlsObservation {
  // In this order: once the X.509 object was taken, Node answers an empty legacy one.
  const identity = checkServerIdentity(request.host, socket.getPeerCertificate());
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined)
    return { reached: false, address, code: 'tls', message: 'no certificate was shown' };
  const chain = chainOf(leaf);
  const authorizationError = socket.authorized ? undefined : String(socket.authorizationError);
  return {
    reached: true,
    address,
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    leaf: describeLeaf(leaf),
    chainLength: chain.length,
    authorized: socket.authorized,
    ...(authorizationError === undefined ? {} : { authorizationError }),
    hostNameMatches: identity === undefined,
    ...(request.settleMillis === undefined ? {} : { chain }),
  };
}

const describeLeaf = (leaf: X509Certificate): ObservedLeaf => ({
  serial: leaf.serialNumber.toLowerCase().replace(/^0+(?=.)/, ''),
  fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
  notBefore: leaf.validFromDate,
  notAfter: leaf.validToDate,
  subjectAltNames: (leaf.subjectAltName ?? '')
    .split(', ')
    .filter(Boolean)
    .map((name) => name.replace(/^(DNS|IP Address):/, '')),
});

function classify(error: unknown): UnreachedCode {
  switch (describeError(error).code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return 'unreachable';
    case 'ETIMEDOUT':
      return 'timeout';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'reset';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'dns';
    default:
      return 'tls';
  }
}

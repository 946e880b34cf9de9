import { X509Certificate } from 'node:crypto';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { portOf } from '../../local/loopback.ts';
import type { TlsPeer } from '../../shared/etl/connections/tls-peer.ts';
import { createTestCa, issueSelfSigned, type LeafRequest, type TestCa, type TestPair } from './test-ca.ts';

/** Servers by what is wrong with them; `client-required` is healthy and insists on a client certificate. */
export const tlsPeerKinds = [
  'good',
  'expired',
  'not-yet-valid',
  'wrong-host',
  'self-signed',
  'untrusted-root',
  'weak-key',
  'revoked',
  'tls11',
  'client-required',
] as const;
export type TlsPeerKind = (typeof tlsPeerKinds)[number];

export interface TlsPeerOptions {
  /** The name its clients ask for. */
  readonly host?: string | undefined;
  /** Answers HTTPS requests; `ok` to everything when absent. */
  readonly onRequest?: RequestListener | undefined;
  /** Speaks PostgreSQL's SSLRequest before TLS; HTTPS after it. */
  readonly upgrade?: 'postgresql' | undefined;
  /** Signs the peer's certificate and the client's; one of its own when absent. */
  readonly ca?: TestCa | undefined;
  /** What the certificate is to be otherwise, and how it is served. */
  readonly leaf?: Partial<LeafRequest> | undefined;
  readonly tls?: TlsOptions | undefined;
}

/** A TLS server on loopback. */
export interface TlsPeerServer {
  readonly kind: TlsPeerKind;
  readonly host: string;
  /** On 127.0.0.1. */
  readonly port: number;
  /** PEM of what a client should trust; the peer of kind `untrusted-root` is signed by another. */
  readonly roots: string;
  /** Its CA: also signs client certificates that `client-required` accepts. */
  readonly ca: TestCa;
  readonly pair: TestPair;
  /** SHA-256 of the leaf it shows, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** As a gate that found it good would hand it on. */
  readonly peer: TlsPeer;
  stop(): Promise<void>;
}

const hour = 3_600_000;
const dayMillis = 24 * hour;

/** A server with the trouble that its kind names; stop it after the test. */
export async function startTlsPeer(kind: TlsPeerKind, options: TlsPeerOptions = {}): Promise<TlsPeerServer> {
  const host = options.host ?? 'peer.example.com';
  const ca = options.ca ?? (await createTestCa());
  const stops: (() => Promise<void>)[] = [];
  const request: LeafRequest = { domains: [host], ...troubles[kind], ...options.leaf };
  let pair: TestPair;
  if (kind === 'self-signed') {
    pair = await issueSelfSigned(request);
  } else if (kind === 'revoked') {
    const list = await startRevocationList(() => ca.listRevoked({ revokedSerials: ['0bad'] }));
    stops.push(list.stop);
    pair = await ca.issue({ ...request, serial: '0bad', revocationUrls: [list.url] });
  } else {
    const signer = kind === 'untrusted-root' ? await createTestCa('Stranger') : ca;
    pair = await signer.issue(request);
  }
  const server = await startServer(options, {
    key: pair.privateKeyPem,
    cert: pair.fullchainPem,
    ...(kind === 'tls11' && {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    }),
    ...(kind === 'weak-key' && { ciphers: 'DEFAULT@SECLEVEL=0' }),
    ...(kind === 'client-required' && { requestCert: true, rejectUnauthorized: true, ca: ca.rootPem }),
    ...options.tls,
  });
  stops.push(server.stop);
  const fingerprint = new X509Certificate(pair.leafPem).fingerprint256.replaceAll(':', '').toLowerCase();
  return {
    kind,
    host,
    port: server.port,
    roots: ca.rootPem,
    ca,
    pair,
    fingerprint,
    peer: {
      host,
      port: server.port,
      roots: ca.rootPem,
      connectTo: { host: '127.0.0.1', port: server.port },
      fingerprints: [fingerprint],
    },
    stop: async () => {
      for (const stop of stops.splice(0)) await stop();
    },
  };
}

const troubles: Partial<Record<TlsPeerKind, Partial<LeafRequest>>> = {
  expired: { notBefore: new Date(Date.now() - 30 * dayMillis), notAfter: new Date(Date.now() - hour) },
  'not-yet-valid': {
    notBefore: new Date(Date.now() + dayMillis),
    notAfter: new Date(Date.now() + 30 * dayMillis),
  },
  'wrong-host': { domains: ['elsewhere.example.com'] },
  'weak-key': { keys: 'rsa-1024' },
};

/** Serves a revocation list over plain HTTP, made anew for each request; `asked` counts them. */
export async function startRevocationList(make: () => Promise<Uint8Array>) {
  let asked = 0;
  const server = createHttpServer(async (_request, response) => {
    asked += 1;
    const list = await make();
    response.writeHead(200, { 'content-type': 'application/pkix-crl' }).end(list);
  });
  const { port, stop } = await listen(server);
  return {
    url: `http://127.0.0.1:${port}/revoked.crl`,
    get asked() {
      return asked;
    },
    stop,
  };
}

async function startServer(options: TlsPeerOptions, tls: TlsOptions) {
  const https = createHttpsServer(tls, options.onRequest ?? ((_request, response) => response.end('ok')));
  https.on('tlsClientError', () => undefined);
  if (options.upgrade === undefined) return listen(https);
  const plain = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    // An SSLRequest is 8 bytes; more than that would be an attempt to go on in clear.
    socket.once('data', (hello) => {
      if (hello.toString('hex') !== '0000000804d2162f') return socket.destroy();
      socket.write('S');
      return https.emit('connection', socket);
    });
  });
  return listen(plain);
}

async function listen(server: Server): Promise<{ port: number; stop: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server),
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

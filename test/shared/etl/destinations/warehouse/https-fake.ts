import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsPeer } from '../../../../../shared/etl/connections/tls-peer.ts';
import { createTestCa } from '../../../../support/test-ca.ts';

export interface FakeRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: Uint8Array;
  /** Never ends. */
  readonly silent?: boolean;
}

/** A service under a name of its own on 127.0.0.1, with a certificate of a test CA that the peer names as its root. */
export async function startHttpsFake(
  host: string,
  answer: (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>,
) {
  const ca = await createTestCa();
  const pair = await ca.issue({ domains: [host], usages: ['serverAuth'] });
  const requests: FakeRequest[] = [];
  const server = createServer(
    { key: pair.privateKeyPem, cert: pair.fullchainPem },
    async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const url = new URL(request.url ?? '/', `https://${host}`);
      const seen = {
        method: request.method ?? '',
        url,
        headers: request.headers,
        body: Buffer.concat(pieces),
      };
      requests.push(seen);
      const { status = 200, headers = {}, json, body, silent } = await answer(seen);
      if (silent) return;
      response.writeHead(status, headers);
      response.end(body ?? JSON.stringify(json ?? {}));
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer: TlsPeer = {
    host,
    port: 443,
    roots: ca.rootPem,
    connectTo: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    fingerprints: [new X509Certificate(pair.leafPem).fingerprint256.replaceAll(':', '').toLowerCase()],
  };
  return {
    peer,
    requests,
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

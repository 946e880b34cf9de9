import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createSecureContext, createServer as createTlsServer } from 'node:tls';
import acme from 'acme-client';
import { decode, encode } from 'dns-packet';
import { portOf } from '../../../local/loopback.ts';

/** Shows http-01 proofs: what `answers` holds under `<host>/<token>`. */
export async function startHttpProofs() {
  const answers = new Map<string, string>();
  const server = createHttpServer((request, response) => {
    const body = answers.get(
      `${request.headers.host}${request.url?.replace('/.well-known/acme-challenge', '')}`,
    );
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    answers,
    port: portOf(server),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Answers TXT queries from `records`; NXDOMAIN for every other name. */
export async function startDnsProofs() {
  const records = new Map<string, string[]>();
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    const { id, questions = [] } = decode(message);
    const name = questions[0]?.name ?? '';
    const values = records.get(name);
    const reply = encode({
      type: 'response',
      id: id ?? 0,
      flags: values === undefined ? 3 : 0,
      questions,
      answers: (values ?? []).map((data) => ({ type: 'TXT' as const, name, ttl: 0, data })),
    });
    socket.send(reply, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { records, server: { host: '127.0.0.1', port: socket.address().port }, stop: () => socket.close() };
}

export interface TlsIdentity {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
}

/** Presents `identities` by server name; negotiates `protocols`. */
export async function startTlsProofs(protocols: string[] = ['acme-tls/1']) {
  const identities = new Map<string, TlsIdentity>();
  const server = createTlsServer({
    ALPNProtocols: protocols,
    SNICallback: (name, done) => {
      const identity = identities.get(name);
      if (identity === undefined) done(new Error('unknown name'));
      else done(null, createSecureContext(identity));
    },
  });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket) => socket.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { identities, port: portOf(server), stop: () => server.close() };
}

/** A challenge certificate as RFC 8737 wants it. */
export async function anAlpnIdentity(domain: string, keyAuthorization: string): Promise<TlsIdentity> {
  const authorization = { identifier: { type: 'dns', value: domain } } as acme.Authorization;
  const key = await acme.crypto.createPrivateEcdsaKey();
  const [, cert] = await acme.crypto.createAlpnCertificate(authorization, keyAuthorization, key);
  return { key, cert };
}

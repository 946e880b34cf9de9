import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { AnswerStore } from '../../shared/challenges/answers.ts';
import { acmeTlsProtocol } from '../../shared/challenges/tls-alpn-01.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { createChallengeContexts } from './challenge-contexts.ts';
import { type ClientHello, readClientHello } from './client-hello.ts';
import { DeployedPairs } from './deployed-pairs.ts';
import { listenOnLoopback } from './listen.ts';

export interface TlsEndpointOptions {
  readonly port?: number | undefined;
  /** Holds `<storage name>/fullchain.pem` and `privkey.pem`; may not exist yet. */
  readonly deployDirectory: string;
  readonly answers: Pick<AnswerStore, 'get'>;
  readonly clock?: Clock | undefined;
}

export interface TlsEndpoint {
  readonly port: number;
  /** Finished handshakes with a deployed pair and for challenges, and those turned away, since the start. */
  served(): { readonly handshakes: number; readonly challenges: number; readonly refused: number };
  stop(): Promise<void>;
}

const handshakeMillis = 10_000;
const idleMillis = 10_000;

/** A fatal unrecognized_name alert in a TLS 1.0 record, which every version reads (RFC 6066, 3). */
const unrecognizedName = Buffer.from([21, 3, 1, 0, 2, 2, 112]);

type Terms = { readonly kind: 'handshakes' | 'challenges'; readonly context: SecureContext };

/**
 * A TLS server that stands for every host of the fleet: it shows the pair deployed for the server name, or the
 * answer to a tls-alpn-01 challenge, and refuses names it has neither for. Clients must send a server name.
 * @throws Failure `port-in-use`
 */
export async function startTlsEndpoint(options: TlsEndpointOptions): Promise<TlsEndpoint> {
  const pairs = new DeployedPairs(options.deployDirectory);
  const challengeContext = createChallengeContexts({
    answers: options.answers,
    clock: options.clock ?? systemClock,
  });
  const counts = { handshakes: 0, challenges: 0, refused: 0 };
  const connections = new Set<Socket>();
  const pages = createHttpServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('served by certfleet\n');
  });

  async function chooseTerms({ serverName, protocols }: ClientHello): Promise<Terms | undefined> {
    if (!serverName) return undefined;
    // The protocol is known only from the hello itself: OpenSSL negotiates it after it chose the certificate.
    if (protocols.includes(acmeTlsProtocol)) {
      const context = await challengeContext(serverName);
      return context && { kind: 'challenges', context };
    }
    pairs.refresh();
    const context = pairs.find(serverName);
    return context && { kind: 'handshakes', context };
  }

  function terminate(socket: Socket, { kind, context }: Terms): void {
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      ALPNProtocols: [kind === 'challenges' ? acmeTlsProtocol : 'http/1.1'],
    });
    secured.on('error', () => socket.destroy());
    secured.once('secure', () => {
      counts[kind]++;
      socket.setTimeout(0);
      secured.setTimeout(idleMillis, () => secured.destroy());
      if (kind === 'challenges') secured.end();
      else pages.emit('connection', secured);
    });
  }

  const server = createServer((socket) => {
    connections.add(socket.on('close', () => connections.delete(socket)));
    socket.on('error', () => socket.destroy());
    socket.setTimeout(handshakeMillis, () => socket.destroy());
    peekClientHello(socket, async (hello) => {
      const terms = hello && (await chooseTerms(hello).catch(() => undefined));
      if (terms) return terminate(socket, terms);
      counts.refused++;
      socket.end(unrecognizedName);
    });
  });
  const port = await listenOnLoopback(server, { port: options.port, option: '--tls-port' });

  return {
    port,
    served: () => ({ ...counts }),
    async stop() {
      for (const socket of connections) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Reads the client hello and puts its bytes back for whoever terminates TLS; undefined for anything else. */
function peekClientHello(socket: Socket, proceed: (hello: ClientHello | undefined) => void): void {
  let received = Buffer.alloc(0);
  const take = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const hello = readClientHello(received);
    if (hello === 'incomplete') return;
    socket.off('data', take);
    socket.pause();
    socket.unshift(received);
    proceed(hello === 'invalid' ? undefined : hello);
  };
  socket.on('data', take);
}

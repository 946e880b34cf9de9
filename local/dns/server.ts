import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { TxtRecord } from '../../shared/challenges/dns/provider.ts';
import { parseTsigKey, type TsigAlgorithm } from '../../shared/challenges/dns/tsig.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { Failure } from '../../shared/runtime/errors.ts';
import { explainBindError, listenOnLoopback, type WantedPort } from '../endpoints/listen.ts';
import { type Responder, respond } from './respond.ts';
import { TxtRecords } from './txt-records.ts';

export interface DnsServerOptions {
  /** Absent or 0: one that is free for UDP and TCP. */
  readonly port?: number | undefined;
  readonly tsig: {
    readonly keyName: string;
    /** Base64. */
    readonly secret: string;
    readonly algorithm?: TsigAlgorithm | undefined;
  };
  readonly clock?: Clock | undefined;
}

export interface DnsServer {
  readonly port: number;
  /** The TXT records on show. */
  records(): readonly TxtRecord[];
  stop(): Promise<void>;
}

const ephemeralAttempts = 20;
const idleMillis = 10_000;

/**
 * A DNS server on 127.0.0.1, UDP and TCP on one port, authoritative for every name; TXT records come by signed
 * RFC 2136 updates.
 * @throws Failure `port-in-use`
 */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const { keyName, secret, algorithm = 'hmac-sha256' } = options.tsig;
  const responder: Responder = {
    records: new TxtRecords(),
    key: parseTsigKey({ name: keyName, algorithm, secret }),
    clock: options.clock ?? systemClock,
  };
  const connections = new Set<Socket>();
  const { tcp, udp, port } = await bindBoth(options.port ?? 0);
  tcp.on('connection', (socket) => {
    connections.add(socket.on('close', () => connections.delete(socket)));
    serveStream(socket, responder);
  });
  udp.on('message', (message, from) => {
    const answer = respond(message, 'udp', responder);
    if (answer) udp.send(answer, from.port, from.address);
  });
  return {
    port,
    records: () => responder.records.list(),
    async stop() {
      for (const socket of connections) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => tcp.close(() => resolve())),
        new Promise<void>((resolve) => udp.close(() => resolve())),
      ]);
    },
  };
}

/** A port free for TCP may be taken for UDP, so an ephemeral one is drawn again until both are free. */
async function bindBoth(wanted: number): Promise<{ tcp: Server; udp: UdpSocket; port: number }> {
  const attempts = wanted === 0 ? ephemeralAttempts : 1;
  for (let attempt = 1; ; attempt++) {
    const tcp = createServer();
    const port = await listenOnLoopback(tcp, { port: wanted, option: '--dns-port' });
    try {
      return { tcp, udp: await bindUdp({ port, option: '--dns-port' }), port };
    } catch (error) {
      tcp.close();
      const drawAgain = error instanceof Failure && error.code === 'port-in-use' && attempt < attempts;
      if (!drawAgain) throw error;
    }
  }
}

async function bindUdp(wanted: WantedPort): Promise<UdpSocket> {
  const udp = createSocket('udp4');
  udp.bind({ port: wanted.port, address: '127.0.0.1', exclusive: true });
  try {
    await once(udp, 'listening');
  } catch (error) {
    udp.close();
    throw explainBindError(error, wanted);
  }
  // A client that left before its answer came must not end the server.
  return udp.on('error', () => {});
}

/** Messages with a length prefix (RFC 1035, 4.2.2), any number on a connection. */
function serveStream(socket: Socket, responder: Responder): void {
  let received = Buffer.alloc(0);
  socket.setTimeout(idleMillis, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const answer = respond(received.subarray(2, end), 'tcp', responder);
      received = received.subarray(end);
      if (!answer) continue;
      const prefix = Buffer.alloc(2);
      prefix.writeUInt16BE(answer.length);
      socket.write(Buffer.concat([prefix, answer]));
    }
  });
}

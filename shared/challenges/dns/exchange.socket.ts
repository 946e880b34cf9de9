import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { Failure } from '../../runtime/errors.ts';
import { formatServerAddress, type ServerAddress } from './server-address.ts';
import { headerBytes, isResponse, isTruncated } from './wire.ts';

export const dnsTransports = ['udp', 'tcp'] as const;
export type DnsTransport = (typeof dnsTransports)[number];

/** What fits a datagram without EDNS (RFC 1035, 4.2.1). */
const maxDatagramBytes = 512;

export interface ExchangeOptions {
  readonly server: ServerAddress;
  /** `udp` turns to TCP for large messages, truncated answers and the last attempt. */
  readonly transport: DnsTransport;
  /** For each attempt. */
  readonly timeoutMillis: number;
  readonly attempts: number;
  readonly signal: AbortSignal;
}

/**
 * Sends one DNS message and resolves with the answer that carries its id. The message must be safe to send
 * twice. An answer is at most 64 KiB, as its length prefix says.
 * @throws Failure `challenge-dns-unreachable` (retry)
 */
export async function exchangeMessage(message: Buffer, options: ExchangeOptions): Promise<Buffer> {
  let cause: unknown;
  for (let attempt = 1; attempt <= options.attempts && !options.signal.aborted; attempt++) {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMillis)]);
    const byTcp = options.transport === 'tcp' || message.length > maxDatagramBytes;
    const lastResort = options.attempts > 1 && attempt === options.attempts;
    try {
      if (byTcp || lastResort) return await exchangeByTcp(message, options.server, signal);
      const answer = await exchangeByUdp(message, options.server, signal);
      return isTruncated(answer) ? await exchangeByTcp(message, options.server, signal) : answer;
    } catch (error) {
      cause = error;
    }
  }
  const reason = options.signal.aborted ? 'the deadline passed' : describe(cause);
  throw new Failure({
    code: 'challenge-dns-unreachable',
    disposition: 'retry',
    message: `DNS server ${formatServerAddress(options.server)} did not answer: ${reason}`,
    cause: cause ?? options.signal.reason,
  });
}

const describe = (cause: unknown) =>
  cause instanceof Error && cause.name !== 'TimeoutError' ? cause.message : 'no answer in time';

function answers(message: Buffer, candidate: Buffer): boolean {
  return (
    candidate.length >= headerBytes &&
    candidate.readUInt16BE(0) === message.readUInt16BE(0) &&
    isResponse(candidate)
  );
}

function exchangeByUdp(message: Buffer, server: ServerAddress, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4');
    let settled = false;
    const settle = (outcome: () => void) => {
      if (settled) return;
      settled = true;
      signal.removeEventListener('abort', abort);
      socket.close();
      outcome();
    };
    const abort = () => settle(() => reject(signal.reason));
    signal.addEventListener('abort', abort, { once: true });
    socket.on('error', (error) => settle(() => reject(error)));
    socket.on('message', (candidate) => {
      // Anything else on this port is a late answer or a forgery; the true one may still come.
      if (answers(message, candidate)) settle(() => resolve(candidate));
    });
    // A connected socket drops datagrams from elsewhere and reports a closed port at once.
    socket.connect(server.port, server.host, () => {
      if (!settled) socket.send(message);
    });
  });
}

function exchangeByTcp(message: Buffer, server: ServerAddress, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: server.port, host: server.host, signal });
    let received = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection was closed before the answer')));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const answer = received.subarray(2, 2 + received.readUInt16BE(0));
      if (answers(message, answer)) resolve(answer);
      else reject(new Error('the answer belongs to another question'));
      socket.destroy();
    });
    const prefix = Buffer.alloc(2);
    prefix.writeUInt16BE(message.length);
    socket.write(Buffer.concat([prefix, message]));
  });
}

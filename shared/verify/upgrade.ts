import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** SSLRequest: its length, 8, and 1234.5679 in place of a protocol version (PostgreSQL, 54.2.10). */
const sslRequest = Buffer.from('0000000804d2162f', 'hex');

/**
 * A connection to a PostgreSQL server that has agreed to speak TLS next. The one byte of its answer must stand
 * alone: what came with it in clear would be taken for part of the encrypted talk (CVE-2021-23222).
 * @throws Error of the socket's, or one that says the server declines; the signal's as an AbortError
 */
export async function requestTls(place: {
  host: string;
  port: number;
  signal: AbortSignal;
}): Promise<Socket> {
  const { host, port, signal } = place;
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal });
    socket.write(sslRequest);
    await once(socket, 'readable', { signal });
    const answer: Buffer | null = socket.read();
    if (answer === null)
      throw Object.assign(new Error('hung up on a request for TLS'), { code: 'ECONNRESET' });
    if (answer.toString('latin1') !== 'S') throw new Error('the server does not offer TLS');
    return socket;
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    throw error;
  }
}

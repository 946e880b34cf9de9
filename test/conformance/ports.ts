import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

// Below what Linux, macOS and the IANA hand out by themselves, so that no outgoing connection takes a port
// between its choice and its use.
const lowest = 20_000;
const highest = 29_999;
const taken = new Set<number>();

/** Ports of 127.0.0.1 that are free for TCP and UDP now, and never answered twice by this process. */
export async function chooseFreePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest + 1));
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const socket = createSocket('udp4');
  try {
    const listening = Promise.all([once(server, 'listening'), once(socket, 'listening')]);
    server.listen(port, '127.0.0.1');
    socket.bind(port, '127.0.0.1');
    await listening;
    return true;
  } catch {
    return false;
  } finally {
    await Promise.all([new Promise((done) => server.close(done)), closeSocket(socket)]);
  }
}

const closeSocket = (socket: ReturnType<typeof createSocket>) =>
  new Promise<void>((done) => {
    try {
      socket.close(done);
    } catch {
      done();
    }
  });

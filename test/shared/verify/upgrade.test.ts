import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { portOf } from '../../../local/loopback.ts';
import { probeEndpoint } from '../../../shared/verify/probe.ts';
import { startTlsPeer } from '../../support/tls-peers.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const probe = async (place: { port: number; roots?: string }, timeoutMillis = 5_000) => {
  const [observation] = await probeEndpoint({
    host: 'db.example.com',
    port: 5432,
    connectTo: { host: '127.0.0.1', port: place.port },
    roots: place.roots,
    upgrade: 'postgresql',
    timeoutMillis,
    signal: new AbortController().signal,
  });
  return observation;
};

async function start(answer: (socket: Socket) => void): Promise<{ port: number }> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: portOf(server) };
}

it('a database is asked for TLS in its own words first', async () => {
  const server = await startTlsPeer('good', { host: 'db.example.com', upgrade: 'postgresql' });
  stops.push(server.stop);
  expect(await probe(server)).toMatchObject({ reached: true, authorized: true, hostNameMatches: true });
});

it.each([
  ['declines TLS', 'N'],
  ['answers with an error', 'EFATAL'],
  ['slips clear text in after its consent', 'Sx'],
])('a database that %s is not gone on with', async (_, words) => {
  expect(await probe(await start((socket) => socket.write(words)))).toMatchObject({
    reached: false,
    code: 'tls',
    message: 'the server does not offer TLS',
  });
});

it('a database that hangs up, or says nothing, is told as that', async () => {
  expect(await probe(await start((socket) => socket.end()))).toMatchObject({ reached: false, code: 'reset' });
  expect(await probe(await start((socket) => socket.resetAndDestroy()))).toMatchObject({ code: 'reset' });
  expect(await probe(await start(() => undefined), 100)).toMatchObject({ code: 'timeout' });
});

import { AsyncLocalStorage } from 'node:async_hooks';
import { syncBuiltinESMExports } from 'node:module';
import tls, { type TLSSocket } from 'node:tls';
import type { RecordedConnection } from '../../audit/run-record.ts';
import type { ConnectionRecorder } from '../gate/gate.ts';

/** Of one run no more than this many different connections are kept; unverified ones before the others. */
const mostConnections = 200;

const unrecorded = new AsyncLocalStorage<true>();
let recorder: ConnectionRecorder | undefined;

/**
 * Records every TLS connection this process makes from now on, whatever library makes it: `tls.connect` of node:tls
 * is replaced, once per process, and all its importers see the replacement. To be called before the first
 * connection. A handshake that does not end leaves nothing. Always answers the same recorder.
 */
export function recordConnections(): ConnectionRecorder {
  if (recorder) return recorder;
  const connections = new Map<string, RecordedConnection>();
  const connect = tls.connect;
  tls.connect = function recordedConnect(this: unknown, ...given: unknown[]): TLSSocket {
    const socket: TLSSocket = Reflect.apply(connect, this, given);
    if (!unrecorded.getStore()) {
      // First of all listeners, so that nobody has hung up yet.
      socket.prependOnceListener('secureConnect', () => keep(connections, describe(socket, given)));
    }
    return socket;
  } as typeof tls.connect;
  syncBuiltinESMExports();
  recorder = {
    drain() {
      const drained = [...connections.values()];
      connections.clear();
      return drained;
    },
  };
  return recorder;
}

/** Handshakes in `work` are looks, not uses: they are not recorded. */
export const withoutRecording = <Result>(work: () => Promise<Result>): Promise<Result> =>
  unrecorded.run(true, work);

function describe(socket: TLSSocket, given: readonly unknown[]): RecordedConnection {
  // The legacy object: once the X.509 one was taken, Node answers an empty legacy one to whoever asks next.
  const { fingerprint256, valid_to } = socket.getPeerCertificate();
  const expiresAt = new Date(valid_to);
  return {
    host: hostOf(given) ?? socket.remoteAddress ?? 'unknown',
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    verified: socket.authorized,
    fingerprint: fingerprint256?.replaceAll(':', '').toLowerCase(),
    expiresAt: Number.isNaN(expiresAt.getTime()) ? undefined : expiresAt.toISOString(),
  };
}

/** tls.connect takes (options), (port, host, options) and what lies between. */
function hostOf(given: readonly unknown[]): string | undefined {
  const options = given.find((each) => typeof each === 'object' && each !== null) ?? {};
  const { servername, host } = options as { servername?: unknown; host?: unknown };
  const positional = typeof given[0] === 'number' ? given[1] : undefined;
  return [servername, positional, host].find((each) => typeof each === 'string' && each !== '') as
    | string
    | undefined;
}

function keep(connections: Map<string, RecordedConnection>, connection: RecordedConnection): void {
  const { host, protocol, cipher, verified, fingerprint } = connection;
  const key = JSON.stringify([host, protocol, cipher, verified, fingerprint]);
  if (!connections.has(key) && connections.size >= mostConnections) {
    const [replaceable] = [...connections].find(([, each]) => each.verified) ?? [];
    if (verified || replaceable === undefined) return;
    connections.delete(replaceable);
  }
  connections.set(key, connection);
}

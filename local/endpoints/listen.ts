import { once } from 'node:events';
import type { Server } from 'node:net';
import { Failure } from '../../shared/runtime/errors.ts';
import { portOf } from '../loopback.ts';

export interface WantedPort {
  /** Absent or 0: whichever is free. */
  readonly port?: number | undefined;
  /** The command line option that chooses the port, for the message when it is taken. */
  readonly option: string;
}

/**
 * Binds to 127.0.0.1 and resolves with the port.
 * @throws Failure `port-in-use` or `port-not-permitted`
 */
export async function listenOnLoopback(server: Server, wanted: WantedPort): Promise<number> {
  // A CA that validates a batch connects a thousand times at once; Node's default backlog is 511.
  server.listen({ port: wanted.port ?? 0, host: '127.0.0.1', backlog: 4096 });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw explainBindError(error, wanted);
  }
  return portOf(server);
}

/** The Failure for an error of bind(2); other errors are returned as they are. */
export function explainBindError(error: unknown, wanted: WantedPort): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const remedies = new Map<unknown, [string, string]>([
    ['EADDRINUSE', ['port-in-use', 'is in use: stop what listens there or choose another']],
    ['EACCES', ['port-not-permitted', 'needs privileges: choose one above 1023']],
  ]);
  const [failureCode, remedy] = remedies.get(code) ?? [];
  if (!failureCode) return error;
  return new Failure({
    code: failureCode,
    disposition: 'give-up',
    message: `port ${wanted.port} of 127.0.0.1 ${remedy} with ${wanted.option}`,
    cause: error,
  });
}

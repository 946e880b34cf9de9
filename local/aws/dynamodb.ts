import { once } from 'node:events';
import type { Server } from 'node:http';
import dynalite from 'dynalite';
import { portOf } from '../loopback.ts';
import { gateDatabase } from './access/database-gate.ts';
import type { AccessGuard } from './access/guard.ts';

/** DynamoDB on loopback (dynalite over LevelDB): in memory, or kept in `directory`; with `access`, open to functions as far as their roles go. */
export async function startDynamoDb(options: {
  directory?: string | undefined;
  access?: { guard: AccessGuard; region: string } | undefined;
}) {
  const server: Server = dynalite({
    ...(options.directory ? { path: options.directory } : {}),
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
  });
  if (options.access) gateDatabase(server, options.access);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${portOf(server)}`,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

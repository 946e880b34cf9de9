import { afterAll, beforeAll } from 'vitest';
import { describeDestinationContract } from '../../contract/etl-destination.ts';
import { type PostgresServer, startPostgres } from '../../support/postgresql-server.ts';
import { destinationOf, readTable, runSql } from './shop.ts';

let server: PostgresServer;
let tables = 0;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

describeDestinationContract('PostgreSQL', async () => {
  tables += 1;
  const table = `orders_${tables}`;
  return {
    destination: destinationOf(server, table),
    rows: async () => {
      const [found] = await runSql(server, `SELECT to_regclass('${table}')`);
      return found?.[0] ? readTable(server, table) : [];
    },
    close: async () => {
      await runSql(server, 'DROP TABLE IF EXISTS _etl_loads, _etl_steps');
    },
  };
});

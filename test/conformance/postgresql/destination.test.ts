import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LoadChunk, TableShape } from '../../../shared/etl/destinations/destination.ts';
import type { Row } from '../../../shared/etl/record.ts';
import { aLoadChunk, aStagedPart, aTrialRow, runIds, trialShape } from '../../contract/etl-destination.ts';
import { type PostgresServer, startPostgres } from '../../support/postgresql-server.ts';
import { destinationOf, never, readTable, runSql } from './shop.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ settings: { log_statement: 'none' } });
});
afterAll(() => server?.stop());
beforeEach(() => runSql(server, 'DROP SCHEMA public CASCADE', 'CREATE SCHEMA public').then(() => undefined));

interface Loading {
  readonly chunk?: Partial<LoadChunk>;
  readonly shape?: TableShape;
}

const load = (rows: readonly Row[], { chunk = {}, shape = trialShape }: Loading = {}) =>
  destinationOf(server, 'orders').load({
    chunk: aLoadChunk(chunk),
    shape,
    parts: [aStagedPart(rows)],
    signal: never,
  });

const finished = (chunkIds: readonly string[], runId = runIds[0]) => ({
  ...{ pipeline: 'orders', loadId: aLoadChunk().loadId, runId, of: chunkIds.length, chunkIds },
  ...{ shape: trialShape, signal: never },
});

const typesOf = async () =>
  Object.fromEntries(
    await runSql(
      server,
      `SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped`,
    ),
  );

describe('a table in PostgreSQL', () => {
  it('is made where it is missing, with its key and the ledger beside it', async () => {
    const elsewhere = destinationOf(server, 'orders', { schema: 'sales' });
    await elsewhere.load({ chunk: aLoadChunk(), shape: trialShape, parts: [], signal: never });
    expect(
      await runSql(server, "SELECT to_regclass('sales._etl_loads'), to_regclass('sales._etl_steps')"),
    ).toEqual([['sales._etl_loads', 'sales._etl_steps']]);
    await load([aTrialRow('1')]);
    expect(await typesOf()).toEqual({
      ...{ id: 'text', note: 'text', items: 'bigint', price: 'double precision', amount: 'numeric' },
      ...{ paid: 'boolean', ordered_at: 'timestamp with time zone', day: 'date', extra: 'jsonb' },
      ...{ secret: 'text', _run_id: 'text' },
    });
    expect(await runSql(server, "SELECT pg_get_indexdef('orders_pkey'::regclass)")).toEqual([
      [expect.stringContaining('UNIQUE INDEX orders_pkey ON public.orders USING btree (id)')],
    ]);
  });

  it('is mended by the very statement that its refusal names', async () => {
    await runSql(
      server,
      'CREATE TABLE orders (id text, note varchar(5) NOT NULL, items int, amount numeric(9,2), theirs text NOT NULL)',
    );
    const refusal: Error = await load([aTrialRow('1')]).catch((error) => error);
    expect(refusal).toMatchObject({ code: 'target-shape-differs', disposition: 'give-up' });
    await runSql(server, refusal.message.slice(refusal.message.indexOf('ALTER TABLE')));
    expect(await load([aTrialRow('1')])).toMatchObject({ inserted: 1 });
  });

  it('keeps what each chunk was, by its digest and its figures', async () => {
    await load([aTrialRow('1'), aTrialRow('1')]);
    const rows = await runSql(
      server,
      `SELECT pipeline, chunk_id, run_id, fence, rows, inserted, updated, unchanged, length(digest)
        FROM _etl_loads ORDER BY chunk_id`,
    );
    expect(rows).toEqual([
      ['orders', '', runIds[0], '0', '0', '0', '0', '0', '0'],
      ['orders', '00000-a', runIds[0], '1', '2', '1', '0', '1', '64'],
    ]);
  });

  it('writes sealed columns anew every time, since they never look the same', async () => {
    const shape: TableShape = {
      ...trialShape,
      columns: trialShape.columns.map((column) =>
        column.name === 'secret' ? { ...column, protection: 'encrypted' } : column,
      ),
    };
    await load([aTrialRow('1', { secret: 'v1|one' })], { shape });
    const figures = await load([aTrialRow('1', { secret: 'v1|two' })], { shape, chunk: { loadId: 'b' } });
    expect(figures).toEqual({ inserted: 0, updated: 1, unchanged: 0 });
    expect(await runSql(server, 'SELECT secret FROM orders')).toEqual([['v1|two']]);
  });

  it('takes rows that many chunks share, all at the same time', async () => {
    await load([]);
    const rows = Array.from({ length: 300 }, (_, n) => aTrialRow(String(n % 150)));
    const chunks = Array.from({ length: 8 }, (_, n) => ({ chunkId: `0000${n}-a`, ordinal: n, of: 8 }));
    const figures = await Promise.all(
      chunks.map((chunk, n) => load(n % 2 ? rows : [...rows].reverse(), { chunk })),
    );
    expect(figures.reduce((sum, { inserted }) => sum + inserted, 0)).toBe(150);
    expect(figures.map(({ inserted, updated, unchanged }) => inserted + updated + unchanged)).toEqual(
      chunks.map(() => 300),
    );
    expect(await runSql(server, 'SELECT count(*) FROM orders')).toEqual([['150']]);
  });

  it('is loaded by 200,000 rows in seconds', async () => {
    const count = 200_000;
    const part = {
      ...{ index: 0, rows: count, digest: 'd' },
      async *read() {
        for (let at = 0; at < count; at += 1_000) {
          yield Array.from({ length: 1_000 }, (_, n) => aTrialRow(String(at + n)));
        }
      },
    };
    const started = performance.now();
    const request = { chunk: aLoadChunk(), shape: trialShape, parts: [part], signal: never };
    expect(await destinationOf(server, 'orders').load(request)).toMatchObject({ inserted: count });
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe('rows that the table refuses', () => {
  it.each<[string, Readonly<Record<string, Row[string]>>, string]>([
    ['too large', { items: '99999999999999999999' }, 'column \\"items\\"'],
    ['of another type', { items: 'canary' }, 'column \\"items\\"'],
    ['no day', { day: '2026-02-30' }, 'column \\"day\\"'],
    ['NUL', { note: 'canary\0' }, 'column \\"note\\"'],
    ['NUL within a document', { extra: { canary: '\0' } }, 'column \\"extra\\"'],
    ['no key', { id: null }, 'column \\"id\\"'],
    ['against a rule', { note: 'canary-forbidden' }, 'constraint \\"no_canary\\"'],
    ['against a trigger', { note: 'canary-raised' }, 'SQLSTATE P0001'],
  ])('as %s end the load without a word of them, and without a trace', async (_, wrong, place) => {
    await load([]);
    await runSql(
      server,
      "ALTER TABLE orders ADD CONSTRAINT no_canary CHECK (note NOT LIKE '%forbidden')",
      `CREATE FUNCTION complain() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.note LIKE '%raised' THEN RAISE EXCEPTION 'no %', NEW.note; END IF; RETURN NEW; END $$`,
      'CREATE TRIGGER complains BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION complain()',
    );
    const chunk = { chunkId: '00001-a' };
    const failure = await load([aTrialRow('1'), aTrialRow('2', wrong)], { chunk }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'target-refused-rows', disposition: 'give-up', cause: undefined });
    const text = JSON.stringify(failure.message);
    expect(text).toContain(place);
    expect(text).not.toMatch(/canary(?!\\")|9999|02-30/);
    expect(await runSql(server, 'SELECT count(*) FROM orders')).toEqual([['0']]);
    expect(await runSql(server, "SELECT count(*) FROM _etl_loads WHERE chunk_id = '00001-a'")).toEqual([
      ['0'],
    ]);
  });
});

describe('a worker', () => {
  const killOthers = () =>
    runSql(
      server,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'certfleet load'",
    );

  it('whose session is killed while it loads is to be tried again, and nothing of it is left', async () => {
    const killed = {
      ...aStagedPart([aTrialRow('1')]),
      async *read() {
        await killOthers();
        yield [aTrialRow('1')];
      },
    };
    const request = { chunk: aLoadChunk(), shape: trialShape, parts: [killed], signal: never };
    await expect(destinationOf(server, 'orders').load(request)).rejects.toMatchObject({
      disposition: 'retry',
    });
    expect(await load([aTrialRow('1')])).toEqual({ inserted: 1, updated: 0, unchanged: 0 });
  });

  it('of an earlier run cannot write over a run that has begun, nor begin beside it', async () => {
    let overtaken: Promise<unknown> = Promise.resolve();
    const slow = {
      ...aStagedPart([aTrialRow('1', { note: 'older' })]),
      async *read() {
        // The newer run waits for this one's transaction, and so comes last.
        overtaken = load([aTrialRow('1', { note: 'newer' })], { chunk: { runId: runIds[1], chunkId: 'b' } });
        yield [aTrialRow('1', { note: 'older' })];
      },
    };
    await load([]).then(() => runSql(server, 'TRUNCATE _etl_loads'));
    await destinationOf(server, 'orders').load({
      ...{ chunk: aLoadChunk(), shape: trialShape, parts: [slow], signal: never },
    });
    await overtaken;
    const [row] = await readTable(server, 'orders');
    expect(row).toMatchObject({ note: 'newer' });
    const late = load([aTrialRow('1', { note: 'late' })], { chunk: { chunkId: 'c' } });
    await expect(late).rejects.toMatchObject({ code: 'load-superseded' });
  });
});

describe('the end of a load', () => {
  const steps = (...sql: readonly string[]) =>
    destinationOf(server, 'orders', { afterLoad: sql.map((each, n) => ({ name: `step-${n}`, sql: each })) });
  const request = (given: Partial<LoadChunk> = {}) => ({
    chunk: aLoadChunk(given),
    shape: trialShape,
    parts: [aStagedPart([aTrialRow('1'), aTrialRow('2')])],
    signal: never,
  });

  it('runs each aggregation once for each run, however often it is repeated', async () => {
    await runSql(server, 'CREATE TABLE totals (n bigint)');
    const destination = steps(
      'DELETE FROM totals WHERE n < 0; INSERT INTO totals SELECT count(*) FROM orders',
    );
    await destination.load(request());
    for (const _ of [1, 2, 3]) await destination.finish(finished(['00000-a']));
    expect(await runSql(server, 'SELECT n FROM totals')).toEqual([['2']]);
    await destination.load(request({ runId: runIds[1] }));
    await destination.finish(finished(['00000-a'], runIds[1]));
    expect(await runSql(server, 'SELECT n FROM totals')).toEqual([['2'], ['2']]);
  });

  it('goes on with the aggregation that failed, not with those before', async () => {
    await runSql(server, 'CREATE TABLE totals (n bigint)');
    const destination = steps('INSERT INTO totals VALUES (1)', 'INSERT INTO missing VALUES (1)');
    await destination.load(request());
    await expect(destination.finish(finished(['00000-a']))).rejects.toMatchObject({
      code: 'postgres-configuration',
      message: expect.stringContaining('running afterLoad step-1'),
    });
    await runSql(server, 'CREATE TABLE missing (n bigint)');
    await destination.finish(finished(['00000-a']));
    expect(await runSql(server, 'SELECT n FROM totals UNION ALL SELECT n FROM missing')).toEqual([
      ['1'],
      ['1'],
    ]);
  });

  it('says nothing of rows that an aggregation fails on', async () => {
    const destination = steps("SELECT ('canary' || note)::int FROM orders");
    await destination.load(request());
    const failure = await destination.finish(finished(['00000-a'])).catch((error) => error);
    expect(failure).toMatchObject({ code: 'postgres-refused', disposition: 'give-up' });
    expect(failure.message).not.toContain('canary');
  });

  it.each(['COMMIT', 'INSERT INTO orders (id) VALUES (3); ROLLBACK'])(
    'refuses SQL that ends its transaction: %s',
    async (sql) => {
      const destination = steps(sql);
      await destination.load(request());
      await expect(destination.finish(finished(['00000-a']))).rejects.toMatchObject({
        code: 'statement-ended-transaction',
      });
    },
  );

  it('takes an aggregation that answers more than fits into memory', async () => {
    const destination = steps("SELECT repeat('x', 1000) FROM generate_series(1, 300000)");
    await destination.load(request());
    const before = process.memoryUsage().rss;
    await destination.finish(finished(['00000-a']));
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  });

  it('is refused while a chunk is missing', async () => {
    const destination = steps();
    await destination.load(request());
    await expect(destination.finish(finished(['00000-a', '00001-a']))).rejects.toMatchObject({
      code: 'load-incomplete',
    });
  });

  it('forgets the chunks of runs before', async () => {
    const destination = steps();
    await destination.load(request({ chunkId: '00000-old' }));
    await destination.load(request({ runId: runIds[1] }));
    await destination.finish(finished(['00000-a'], runIds[1]));
    expect(await runSql(server, "SELECT chunk_id FROM _etl_loads WHERE chunk_id <> ''")).toEqual([
      ['00000-a'],
    ]);
  });
});

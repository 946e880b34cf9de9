import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SourceSlice } from '../../../shared/etl/run/manifest.ts';
import type { Window } from '../../../shared/etl/run/window.ts';
import { type PostgresServer, startPostgres } from '../../support/postgresql-server.ts';
import { never, readAll, readTable, rowsOf, runSql, sourceOf } from './shop.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ settings: { log_statement: 'none' } });
});
afterAll(() => server?.stop());
beforeEach(() => runSql(server, 'DROP SCHEMA public CASCADE', 'CREATE SCHEMA public').then(() => undefined));

const january: Window = { from: new Date('2026-01-01'), to: new Date('2026-02-01') };
const watermark = { column: 'at', overlapSeconds: 0 };
type Given = NonNullable<Parameters<typeof sourceOf>[2]>;

const plan = (given: Given = {}, window = january) =>
  sourceOf(server, 'orders', { watermark, ...given }).plan(window, never);
const read = (slice: SourceSlice, given: { checkpoint?: string | undefined } & Given = {}) =>
  readAll(
    sourceOf(server, 'orders', { watermark, ...given }).read({
      ...{ chunkId: '00000-a', slice, signal: never, checkpoint: given.checkpoint },
    }),
  );
const idsOf = (rows: readonly Readonly<Record<string, unknown>>[]) => rows.map(({ id }) => id);

/** `count` orders, `perInstant` of them at each of instants `stepMicros` apart from the start of January. */
const makeOrders = (count: number, { perInstant = 1, stepMicros = 1 } = {}) =>
  runSql(
    server,
    'CREATE TABLE orders (id int PRIMARY KEY, at timestamptz)',
    `INSERT INTO orders SELECT n, timestamptz '2026-01-01Z' + (n / ${perInstant}) * ${stepMicros} * interval '1 microsecond'
      FROM generate_series(0, ${count - 1}) n`,
  );

describe('cells from PostgreSQL', () => {
  it('are what JSON can hold, nothing lost', async () => {
    await runSql(
      server,
      `CREATE TYPE mood AS ENUM ('glad')`,
      `CREATE DOMAIN cents AS bigint`,
      `CREATE TABLE orders (i2 int2, i8 int8, big int8, cents cents, n numeric, f float8, inf float8, b bool,
        tz timestamptz, plain timestamp, d date, far timestamptz, t text, empty text, nothing text, j json, jb jsonb,
        bytes bytea, id uuid, m mood, many int[], texts text[], span int4range, padded char(3), addr inet, "Odd ""name" text)`,
      `INSERT INTO orders VALUES (-1, 5, 9223372036854775807, 7, 1234567890123456789.10, 0.1, 'NaN', true,
        '2026-01-31 11:00:00.123456+01', '2026-01-31 10:00:00', '2026-01-31', 'infinity', E'a\\tb\\n😀', '', NULL,
        '{"a": 1.50, "a2": [null]}', '[12345678901234567890]', '\\x00ff', '6c0d9a1e-0000-4000-8000-000000000000',
        'glad', '{1,NULL}', '{"a,b"}', '[1,5)', 'ab', '10.0.0.1', 'odd')`,
    );
    const [row] = await readTable(server, 'orders');
    expect(Object.getPrototypeOf(row)).toBeNull();
    expect({ ...row }).toEqual({
      ...{
        i2: -1,
        i8: 5,
        big: '9223372036854775807',
        cents: 7,
        n: '1234567890123456789.10',
        f: 0.1,
        inf: 'NaN',
      },
      ...{ b: true, tz: '2026-01-31T10:00:00.123456Z', plain: '2026-01-31T10:00:00Z', d: '2026-01-31' },
      ...{ far: 'infinity', t: 'a\tb\n😀', empty: '', nothing: null, j: { a: 1.5, a2: [null] } },
      ...{
        jb: ['12345678901234567890'],
        bytes: 'AP8=',
        id: '6c0d9a1e-0000-4000-8000-000000000000',
        m: 'glad',
      },
      ...{
        many: [1, null],
        texts: ['a,b'],
        span: '[1,5)',
        padded: 'ab',
        addr: '10.0.0.1/32',
        'Odd "name': 'odd',
      },
    });
  });

  it('that are too long set their row aside, and cost no memory', async () => {
    await runSql(
      server,
      'CREATE TABLE orders (id int, note text, raw bytea)',
      "INSERT INTO orders VALUES (1, 'short', ''), (2, repeat('canary', 5000000), ''), (3, '', decode(repeat('00', 200000), 'hex'))",
    );
    const before = process.memoryUsage().rss;
    const [batch] = await read({ kind: 'range', from: 'start' }, { watermark: undefined });
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024);
    expect(batch?.readings.map(({ kind }) => kind)).toEqual(['record', 'unreadable', 'unreadable']);
    expect(batch?.readings[1]).toMatchObject({
      quarantined: {
        position: { chunkId: '00000-a', ordinal: 2 },
        reasons: [{ code: 'string-bytes-exceeded', stage: 'parse' }],
      },
    });
    expect(JSON.stringify(batch)).not.toContain('canary');
  });

  it('of a document that no reader may hold set their row aside', async () => {
    await runSql(
      server,
      'CREATE TABLE orders (id int, j json)',
      `INSERT INTO orders VALUES (1, '{"a": 1, "a": 2}'), (2, '1e999'), (3, '{}')`,
    );
    const [batch] = await read({ kind: 'range', from: 'start' }, { watermark: undefined });
    expect(batch?.readings.map(({ kind }) => kind)).toEqual(['unreadable', 'unreadable', 'record']);
  });

  it('come with columns that the contract does not know', async () => {
    await runSql(server, 'CREATE TABLE orders (id int, later text)', "INSERT INTO orders VALUES (1, 'new')");
    const given = { watermark: undefined, columns: ['id', 'gone'] };
    expect(rowsOf(await read({ kind: 'range', from: 'start' }, given))).toEqual([{ id: 1, later: 'new' }]);
  });
});

describe('slices of a table', () => {
  it('are of the size asked for, touch each other and hold every row once', async () => {
    await makeOrders(2_500);
    const slices = await plan({ rowsPerSlice: 1_000 });
    expect(slices).toEqual([
      { kind: 'range', from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T00:00:00.001000Z' },
      { kind: 'range', from: '2026-01-01T00:00:00.001000Z', to: '2026-01-01T00:00:00.002000Z' },
      { kind: 'range', from: '2026-01-01T00:00:00.002000Z', to: '2026-02-01T00:00:00.000Z' },
    ]);
    const ids: unknown[] = [];
    for (const slice of slices) ids.push(...idsOf(rowsOf(await read(slice))));
    expect(ids).toEqual(Array.from({ length: 2_500 }, (_, n) => n));
  });

  it('keep rows of one instant together, however many there are', async () => {
    await makeOrders(2_500, { perInstant: 1_700 });
    const slices = await plan({ rowsPerSlice: 500 });
    const sizes: number[] = [];
    for (const slice of slices) sizes.push(rowsOf(await read(slice)).length);
    expect(sizes).toEqual([1_700, 800]);
  });

  it('begin with the window and end before its end, to the microsecond', async () => {
    await runSql(
      server,
      'CREATE TABLE orders (id int, at timestamptz)',
      `INSERT INTO orders VALUES (1, '2025-12-31 23:59:59.999999Z'), (2, '2026-01-01Z'),
        (3, '2026-01-31 23:59:59.999999Z'), (4, '2026-02-01Z')`,
    );
    const slices = await plan();
    expect(slices).toHaveLength(1);
    const rows = await Promise.all(slices.map((slice) => read(slice)));
    expect(idsOf(rowsOf(rows.flat()))).toEqual([2, 3]);
  });

  it('reach back as far as the overlap', async () => {
    await makeOrders(3, { stepMicros: 1_000_000 });
    const window = { from: new Date('2026-01-01T00:00:02Z'), to: january.to };
    const given = { watermark: { column: 'at', overlapSeconds: 1 } };
    const [slice] = await plan(given, window);
    expect(slice).toMatchObject({ from: '2026-01-01T00:00:01.000Z' });
    expect(slice && idsOf(rowsOf(await read(slice, given)))).toEqual([1, 2]);
  });

  it('take a timestamp without a zone to be UTC', async () => {
    await runSql(
      server,
      'CREATE TABLE orders (id int, at timestamp)',
      "INSERT INTO orders VALUES (1, '2025-12-31 23:59:59'), (2, '2026-01-01 00:00:00')",
    );
    const [slice] = await plan();
    expect(slice && idsOf(rowsOf(await read(slice)))).toEqual([2]);
  });

  it('are none where there is nothing', async () => {
    await makeOrders(1);
    expect(await plan({}, { from: january.to, to: new Date('2026-03-01') })).toEqual([]);
    await runSql(server, 'TRUNCATE orders');
    expect(await plan()).toEqual([]);
    expect(await plan({ watermark: undefined })).toEqual([]);
  });

  it('are one for a table without a watermark', async () => {
    await makeOrders(3);
    const given = { watermark: undefined };
    const [slice, ...others] = await plan(given);
    expect(others).toEqual([]);
    const batches = slice ? await read(slice, given) : [];
    expect(rowsOf(batches)).toHaveLength(3);
    expect(batches.map(({ checkpoint }) => checkpoint)).toEqual([undefined]);
  });
});

describe('a reading', () => {
  it('goes on from every checkpoint as if it had not been broken off', async () => {
    await makeOrders(5_000, { perInstant: 7 });
    const [slice] = await plan();
    if (!slice) throw new Error('there is no slice');
    const batches = await read(slice);
    expect(batches.length).toBeGreaterThan(3);
    const ordinals = batches.flatMap(({ readings }) =>
      readings.map((reading) => (reading.kind === 'record' ? reading.record.position.ordinal : 0)),
    );
    expect(ordinals).toEqual(Array.from({ length: 5_000 }, (_, n) => n + 1));
    for (const [index, { checkpoint }] of batches.entries()) {
      expect(checkpoint).toBeDefined();
      const rest = await read(slice, { checkpoint });
      expect(rest.flatMap(({ readings }) => readings)).toEqual(
        batches.slice(index + 1).flatMap(({ readings }) => readings),
      );
    }
  });

  it('has no checkpoint within an instant', async () => {
    await makeOrders(3_000, { perInstant: 2_500 });
    const [slice] = await plan();
    if (!slice) throw new Error('there is no slice');
    const batches = await read(slice);
    const checkpoints = batches.flatMap(({ checkpoint }) => checkpoint ?? []);
    expect(batches.length).toBeGreaterThan(checkpoints.length);
    for (const checkpoint of checkpoints) {
      const { ordinal } = JSON.parse(checkpoint);
      expect([2_500, 3_000]).toContain(ordinal);
      expect(rowsOf(await read(slice, { checkpoint }))).toHaveLength(3_000 - ordinal);
    }
  });

  it('keeps nothing of a record in a checkpoint but the instant', async () => {
    await makeOrders(10);
    const [slice] = await plan();
    const [batch] = slice ? await read(slice) : [];
    expect(JSON.parse(batch?.checkpoint ?? '')).toEqual({
      after: '2026-01-01T00:00:00.000009Z',
      ordinal: 10,
    });
  });

  it('sees one state of the table, whatever is written meanwhile', async () => {
    await makeOrders(3_000);
    const [slice] = await plan();
    if (!slice) throw new Error('there is no slice');
    let count = 0;
    const batches = sourceOf(server, 'orders', { watermark }).read({ chunkId: 'a', slice, signal: never });
    for await (const { readings } of batches) {
      if (count === 0) await runSql(server, 'DELETE FROM orders');
      count += readings.length;
    }
    expect(count).toBe(3_000);
  });

  it('leaves no session behind where its reader stops early', async () => {
    await makeOrders(5_000);
    const [slice] = await plan();
    if (!slice) throw new Error('there is no slice');
    for await (const _ of sourceOf(server, 'orders', { watermark }).read({
      chunkId: 'a',
      slice,
      signal: never,
    }))
      break;
    const sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'certfleet extract'";
    await expect.poll(() => runSql(server, sessions)).toEqual([['0']]);
  });

  it('ends with the reason of its signal', async () => {
    await makeOrders(5_000);
    const [slice] = await plan();
    if (!slice) throw new Error('there is no slice');
    const controller = new AbortController();
    const batches = sourceOf(server, 'orders', { watermark }).read({
      ...{ chunkId: 'a', slice, signal: controller.signal },
    });
    const reading = (async () => {
      for await (const _ of batches) controller.abort(new Error('time is up'));
    })();
    await expect(reading).rejects.toThrow('time is up');
  });

  it('is to be tried again where the session is killed', async () => {
    await makeOrders(5_000);
    const [slice] = await plan();
    if (!slice) throw new Error('there is no slice');
    const kill =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'certfleet extract'";
    const batches = sourceOf(server, 'orders', { watermark }).read({ chunkId: 'a', slice, signal: never });
    const reading = (async () => {
      for await (const _ of batches) await runSql(server, kill);
    })();
    await expect(reading).rejects.toMatchObject({ disposition: 'retry' });
  });
});

describe('a table that cannot be read', () => {
  it.each([
    ['is missing', 'SELECT 1', 'source-table-missing'],
    ['has no such watermark', 'CREATE TABLE orders (id int)', 'watermark-unusable'],
    ['has a watermark of another type', 'CREATE TABLE orders (at text)', 'watermark-unusable'],
    ['has rows without one', 'CREATE TABLE orders AS SELECT NULL::timestamptz AS at', 'watermark-missing'],
  ])('because it %s is refused', async (_, sql, code) => {
    await runSql(server, sql);
    await expect(plan()).rejects.toMatchObject({ code, disposition: 'give-up' });
  });

  it('because a column of the contract is not granted is refused; others are left out', async () => {
    await runSql(
      server,
      'CREATE TABLE orders (id int, own text, hidden text)',
      'GRANT USAGE ON SCHEMA public TO reader',
      'GRANT SELECT (id, own) ON orders TO reader',
      "INSERT INTO orders VALUES (1, 'a', 'b')",
    );
    const slice = { kind: 'range', from: 'start' } as const;
    const reading = (columns: readonly string[]) =>
      read(slice, { watermark: undefined, columns, login: server.passwordUser });
    expect(rowsOf(await reading(['id']))).toEqual([{ id: 1, own: 'a' }]);
    await expect(reading(['id', 'hidden'])).rejects.toMatchObject({ code: 'postgres-forbidden' });
  });

  it('because its slice is an object is a mistake of ours', async () => {
    await makeOrders(1);
    const slice = { kind: 'object', key: 'k', versionId: 'v', etag: 'e', sizeBytes: 1 } as const;
    await expect(read(slice)).rejects.toMatchObject({ code: 'slice-of-another-source', disposition: 'bug' });
    await expect(read({ kind: 'range', from: 'x' }, { checkpoint: '{}' })).rejects.toMatchObject({
      code: 'checkpoint-malformed',
    });
  });
});

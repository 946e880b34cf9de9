import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  Destination,
  LoadChunk,
  LoadFigures,
  StagedPart,
  TableColumn,
  TableShape,
} from '../../shared/etl/destinations/destination.ts';
import type { Row } from '../../shared/etl/record.ts';

/** A destination with a table of its own, and eyes on that. */
export interface DestinationTrial {
  readonly destination: Destination;
  /** What the table holds, in any order, cells as they were given. */
  rows(): Promise<readonly Row[]>;
  close?(): Promise<void>;
}

const column = (name: string, type: TableColumn['type'], extra: Partial<TableColumn> = {}): TableColumn => ({
  name,
  type,
  nullable: true,
  protection: 'clear',
  metadata: false,
  ...extra,
});

/** The table that `makeTrial` must offer room for. */
export const trialShape: TableShape = {
  columns: [
    column('id', 'string', { nullable: false }),
    column('note', 'string'),
    column('items', 'integer'),
    column('price', 'number'),
    column('amount', 'decimal'),
    column('paid', 'boolean'),
    column('ordered_at', 'timestamp'),
    column('day', 'date'),
    column('extra', 'json'),
    column('secret', 'string', { protection: 'hashed' }),
    column('_run_id', 'string', { metadata: true }),
  ],
  key: ['id'],
  newestBy: 'ordered_at',
};

/** A whole row; what is given counts. */
export const aTrialRow = (id: string, given: Readonly<Record<string, Row[string]>> = {}): Row =>
  Object.assign(Object.create(null), {
    id,
    note: 'a note',
    items: 2,
    price: 1.5,
    amount: '12.30',
    paid: true,
    ordered_at: '2026-01-31T10:00:00.123456Z',
    day: '2026-01-31',
    extra: { a: [1, 'two', null] },
    secret: 'h1:abc',
    _run_id: 'run',
    ...given,
  });

/** Rows as a stage hands them over, in batches of two. */
export function aStagedPart(rows: readonly Row[], index = 0): StagedPart {
  const text = rows.map((row) => JSON.stringify(row)).join('\n');
  return {
    index,
    rows: rows.length,
    digest: createHash('sha256').update(text).digest('hex'),
    async *read() {
      for (let at = 0; at < rows.length; at += 2) yield rows.slice(at, at + 2);
    },
  };
}

const loadId = 'a'.repeat(64);
/** Version 7, in the order of time. */
export const runIds = [1, 2, 3].map((n) => `0190000${n}-0000-7000-8000-000000000000`) as [
  string,
  string,
  string,
];

export const aLoadChunk = (given: Partial<LoadChunk> = {}): LoadChunk => ({
  pipeline: 'orders',
  loadId,
  runId: runIds[0],
  chunkId: '00000-a',
  ordinal: 0,
  of: 1,
  fence: 1,
  ...given,
});

const sumOf = ({ inserted, updated, unchanged }: LoadFigures) => inserted + updated + unchanged;
const byId = (a: Row, b: Row) => String(a.id).localeCompare(String(b.id));
const plain = (rows: readonly Row[]) => [...rows].sort(byId).map((row) => ({ ...row }));

/** What every destination promises the chain. */
export function describeDestinationContract(
  name: string,
  make: () => Promise<DestinationTrial>,
  rows: 'merged by key' | 'kept by load' = 'merged by key',
): void {
  describe(`a destination: ${name}`, () => {
    let trial: DestinationTrial;
    const signal = new AbortController().signal;
    const load = (chunk: Partial<LoadChunk>, ...parts: (readonly Row[])[]) =>
      trial.destination.load({
        chunk: aLoadChunk(chunk),
        shape: trialShape,
        parts: parts.map((rows, index) => aStagedPart(rows, index)),
        signal,
      });
    const finish = (runId: string, chunkIds: readonly string[]) =>
      trial.destination.finish({
        ...{ pipeline: 'orders', loadId, runId, of: chunkIds.length, chunkIds },
        ...{ shape: trialShape, signal },
      });
    const held = async () => plain(await trial.rows());

    beforeEach(async () => {
      trial = await make();
    });
    afterEach(async () => {
      await trial.destination.close();
      await trial.close?.();
    });

    it('takes the rows of all parts and tells how many there were', async () => {
      const [first, second] = [[aTrialRow('1'), aTrialRow('2'), aTrialRow('3')], [aTrialRow('4')]];
      expect(await load({}, first, second)).toEqual({ inserted: 4, updated: 0, unchanged: 0 });
      expect(await held()).toEqual(plain([...first, ...second]));
    });

    it('counts rows once however often the same run loads them, and answers the same figures', async () => {
      const rows = [aTrialRow('1'), aTrialRow('2')];
      const first = await load({}, rows);
      expect(await load({}, rows)).toEqual(first);
      expect(await load({ fence: 2 }, rows)).toEqual(first);
      expect(await held()).toEqual(plain(rows));
    });

    it('lets twins load at the same time as if one came after the other', async () => {
      const rows = Array.from({ length: 20 }, (_, n) => aTrialRow(String(n)));
      const twins = await Promise.allSettled([load({}, rows), load({}, rows), load({}, rows)]);
      const figures = twins.flatMap((twin) => (twin.status === 'fulfilled' ? [twin.value] : []));
      expect(figures.length).toBeGreaterThan(0);
      for (const each of figures) expect(each).toEqual({ inserted: 20, updated: 0, unchanged: 0 });
      expect(await held()).toEqual(plain(rows));
    });

    it('replaces what an earlier run of the load put there', async () => {
      await load({}, [aTrialRow('1'), aTrialRow('2')]);
      const rows = [aTrialRow('1', { note: 'mended' }), aTrialRow('2')];
      const figures = await load({ runId: runIds[1] }, rows);
      expect(sumOf(figures)).toBe(2);
      expect(figures.inserted).toBe(0);
      expect(await held()).toEqual(plain(rows));
    });

    it('refuses an earlier run once a newer one has loaded the chunk', async () => {
      const rows = [aTrialRow('1', { note: 'newer' })];
      await load({ runId: runIds[1] }, rows);
      await expect(load({ fence: 9 }, [aTrialRow('1', { note: 'older' })])).rejects.toMatchObject({
        code: 'load-superseded',
        disposition: 'give-up',
      });
      expect(await held()).toEqual(plain(rows));
    });

    it('refuses a worker that lost the chunk to another one', async () => {
      const rows = [aTrialRow('1')];
      await load({ fence: 3 }, rows);
      await expect(load({ fence: 2 }, rows)).rejects.toMatchObject({ code: 'load-superseded' });
      expect(await held()).toEqual(plain(rows));
    });

    it('takes a chunk without rows', async () => {
      const nothing = { inserted: 0, updated: 0, unchanged: 0 };
      expect(await load({})).toEqual(nothing);
      expect(await load({})).toEqual(nothing);
      await finish(runIds[0], ['00000-a']);
      expect(await held()).toEqual([]);
    });

    it('keeps texts as they are, whatever they hold', async () => {
      const texts = [
        '',
        ' ',
        '\\N',
        '\\.',
        'a\tb',
        'a\nb\r\nc',
        '\\',
        '\\t',
        '"',
        "'; DROP TABLE x; --",
        '=1+1',
      ];
      const odd = [
        ...texts,
        '\u0001\b\f\v\u007f',
        'ü€😀',
        '\u200f\u2028',
        '{}',
        'NULL',
        'null',
        'x'.repeat(10_000),
      ];
      const rows = odd.map((note, n) => aTrialRow(String(n).padStart(2, '0'), { note }));
      await load({}, rows);
      expect(await held()).toEqual(plain(rows));
    });

    it('keeps numbers, dates and documents as they are', async () => {
      const rows = [
        aTrialRow('1', {
          items: 9_007_199_254_740_991,
          price: 1.7976931348623157e308,
          amount: '-0.000000001',
        }),
        aTrialRow('2', {
          items: '9223372036854775807',
          price: 5e-324,
          amount: '99999999999999999999999999.99',
        }),
        aTrialRow('3', { items: -5, price: -0.1, amount: '0', ordered_at: '1969-12-31T23:59:59.999999Z' }),
        aTrialRow('4', { day: '0001-01-01', ordered_at: '9999-12-31T23:59:59Z', paid: false }),
        aTrialRow('5', { extra: 'text' }),
        aTrialRow('6', { extra: [] }),
        aTrialRow('7', { extra: { 'odd "key"\\': { deep: [true, null, 1.25, 'tab\there'] } } }),
      ];
      await load({}, rows);
      expect(await held()).toEqual(plain(rows));
    });

    it('keeps sealed cells by their names, as `evolve` gathers them', async () => {
      const rows = [
        aTrialRow('1', { extra: { later: 'v1|key|iv|ct|tag' } }),
        aTrialRow('2', { extra: null }),
      ];
      const columns = trialShape.columns.map((each) =>
        each.name === 'extra' ? { ...each, protection: 'encrypted' as const } : each,
      );
      await trial.destination.load({
        ...{ chunk: aLoadChunk(), shape: { ...trialShape, columns }, parts: [aStagedPart(rows)], signal },
      });
      expect(await held()).toEqual(plain(rows));
    });

    it('tells nothing from an empty text', async () => {
      const empty = Object.fromEntries(
        trialShape.columns.filter(({ nullable }) => nullable).map(({ name }) => [name, null]),
      );
      const rows = [aTrialRow('1', empty), aTrialRow('2', { note: '' })];
      await load({}, rows);
      expect(await held()).toEqual(plain(rows));
    });

    it('may be told twice that a load is finished', async () => {
      const rows = [aTrialRow('1'), aTrialRow('2')];
      await load({ of: 2 }, rows.slice(0, 1));
      await load({ of: 2, chunkId: '00001-a', ordinal: 1 }, rows.slice(1));
      for (const _ of [1, 2]) await finish(runIds[0], ['00000-a', '00001-a']);
      expect(await held()).toEqual(plain(rows));
    });

    it('answers a chunk that is repeated after the end what it answered before', async () => {
      const rows = [aTrialRow('1')];
      const figures = await load({}, rows);
      await finish(runIds[0], ['00000-a']);
      expect(await load({}, rows)).toEqual(figures);
      expect(await held()).toEqual(plain(rows));
    });

    it('ends with the rows of the newer run where an earlier one stopped half-way', async () => {
      await load({ of: 3, chunkId: '00000-old' }, [aTrialRow('1', { note: 'old' })]);
      await load({ of: 3, chunkId: '00002-old', ordinal: 2 }, [aTrialRow('2', { note: 'old' })]);
      const rows = [aTrialRow('1'), aTrialRow('2')];
      await load({ runId: runIds[1], chunkId: '00000-new' }, rows);
      await finish(runIds[1], ['00000-new']);
      expect(await held()).toEqual(plain(rows));
    });

    it('refuses what is left of an earlier run after a newer one was finished', async () => {
      const rows = [aTrialRow('1')];
      await load({ runId: runIds[1], chunkId: '00000-new' }, rows);
      await finish(runIds[1], ['00000-new']);
      const late = load({ of: 2, chunkId: '00000-old' }, [aTrialRow('1', { note: 'old' })]);
      await expect(late).rejects.toMatchObject({ code: 'load-superseded' });
      await expect(finish(runIds[0], ['00000-old'])).rejects.toMatchObject({ code: 'load-superseded' });
      expect(await held()).toEqual(plain(rows));
    });

    it('finishes a run that had nothing to load, and takes nothing of an earlier one after it', async () => {
      await finish(runIds[1], []);
      await expect(load({}, [aTrialRow('1')])).rejects.toMatchObject({ code: 'load-superseded' });
      expect(await held()).toEqual([]);
    });

    it('is stopped by its signal with the reason of that', async () => {
      const controller = new AbortController();
      const part: StagedPart = {
        ...aStagedPart([aTrialRow('1')]),
        async *read() {
          controller.abort(new Error('time is up'));
          yield [aTrialRow('1')];
        },
      };
      const request = { chunk: aLoadChunk(), shape: trialShape, parts: [part], signal: controller.signal };
      await expect(trial.destination.load(request)).rejects.toThrow('time is up');
    });

    it('lets nothing through of a part that ends too early or breaks', async () => {
      const short = { ...aStagedPart([aTrialRow('1')]), rows: 2 };
      const broken: StagedPart = {
        ...aStagedPart([aTrialRow('1')]),
        // biome-ignore lint/correctness/useYield: it breaks before it has anything
        async *read() {
          throw new Error('unreadable');
        },
      };
      const request = { chunk: aLoadChunk(), shape: trialShape, signal };
      await expect(trial.destination.load({ ...request, parts: [short] })).rejects.toMatchObject({
        code: 'staged-rows-differ',
      });
      const breaking = trial.destination.load({ ...request, parts: [aStagedPart([aTrialRow('0')]), broken] });
      await expect(breaking).rejects.toThrow('unreadable');
    });

    if (rows === 'kept by load')
      it('keeps the rows of each load apart, also those of one key', async () => {
        await load({}, [aTrialRow('1')]);
        const figures = await load({ loadId: 'b'.repeat(64) }, [aTrialRow('1')]);
        expect(figures).toEqual({ inserted: 1, updated: 0, unchanged: 0 });
        expect(await held()).toEqual(plain([aTrialRow('1'), aTrialRow('1')]));
      });
    else describeMerges();

    function describeMerges(): void {
      it('leaves what is the same, and says so; who brought it makes no difference', async () => {
        await load({}, [aTrialRow('1'), aTrialRow('2')]);
        const rows = [aTrialRow('1', { _run_id: 'other' }), aTrialRow('2', { note: 'new' }), aTrialRow('3')];
        const figures = await load({ loadId: 'b'.repeat(64) }, rows);
        expect(figures).toEqual({ inserted: 1, updated: 1, unchanged: 1 });
        expect(await held()).toEqual(plain([aTrialRow('1'), ...rows.slice(1)]));
      });

      it('never puts an older row over a newer one, also of an older window', async () => {
        const newer = aTrialRow('1', { ordered_at: '2026-02-01T00:00:00Z' });
        await load({}, [newer]);
        const older = aTrialRow('1', { ordered_at: '2026-01-01T00:00:00Z', note: 'older' });
        const figures = await load({ loadId: 'b'.repeat(64) }, [older]);
        expect(figures).toEqual({ inserted: 0, updated: 0, unchanged: 1 });
        expect(await held()).toEqual(plain([newer]));
      });

      it('takes the newest of several rows of one key, the last of those as new', async () => {
        const newest = aTrialRow('1', { ordered_at: '2026-02-01T00:00:00Z', note: 'newest' });
        const rows = [
          aTrialRow('1'),
          newest,
          aTrialRow('1'),
          aTrialRow('2'),
          aTrialRow('2', { note: 'last' }),
        ];
        expect(await load({}, rows)).toEqual({ inserted: 2, updated: 0, unchanged: 3 });
        expect(await held()).toEqual(plain([newest, aTrialRow('2', { note: 'last' })]));
      });
    }
  });
}

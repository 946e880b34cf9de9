import { describe, expect, it } from 'vitest';
import { findImbalances } from '../../../../shared/etl/books/books.ts';
import { carry } from '../../../../shared/etl/chain/carry.ts';
import { requestRuns } from '../../../../shared/etl/chain/request-runs.ts';
import { RowFault, readable, unreadable } from '../../../../shared/etl/records/reading.ts';
import { loadIdAt } from '../../../../shared/etl/run/scope.ts';
import type { Source, SourceBatch } from '../../../../shared/etl/sources/source.ts';
import { createChainWorld } from '../../../support/chain-world.ts';
import { aChainDefinition, createSceneSource } from '../../../support/etl-orders.ts';
import { besideOf, failing, keysOf, slotAt, windowAt } from './scene.ts';

const neverFails = aChainDefinition({ quarantine: { failOn: 'never' } });

/** One chunk whose batches are what the test says. */
const sourceOf = (batches: () => Iterable<SourceBatch>): Source => ({
  ...createSceneSource({ chunks: 1, records: 0, batch: 1 }),
  async *read() {
    yield* batches();
  },
});

const settled = async (options: Parameters<typeof createChainWorld>[0]) => {
  const world = createChainWorld(options);
  const run = await world.until(slotAt(), ['reported', 'failed']);
  return { world, run };
};

describe('a chunk', () => {
  it.each([1, 2, 3])(
    'that is stopped and goes on after every %i batches comes to the same',
    async (batchesPerWorker) => {
      const source = createSceneSource({ chunks: 2, records: 40, batch: 5 });
      const { world, run } = await settled({ source, batchesPerWorker });
      const { run: whole } = await settled({
        source: createSceneSource({ chunks: 2, records: 40, batch: 5 }),
      });
      expect(run.books).toEqual(whole.books);
      expect(run.books?.extracted).toBe(80);
      expect(world.unexpected).toEqual([]);
      expect(await keysOf(world.buckets.work, 'raw/')).toEqual([]);
    },
  );

  it('without a record is loaded as one without a row', async () => {
    const { run } = await settled({ source: sourceOf(() => []) });
    expect(run).toMatchObject({ state: 'reported', books: { extracted: 0, staged: 0 } });
  });

  it('of bad rows alone loads none and sets all of them aside', async () => {
    const bad = (ordinal: number) => {
      const position = { chunkId: 'c', ordinal };
      return ordinal % 2
        ? unreadable(position, new RowFault('json-syntax', 'this is no JSON'))
        : readable(position, { id: 7 });
    };
    const source = sourceOf(() => [{ readings: [1, 2, 3, 4].map(bad) }]);
    const { world, run } = await settled({ source, definition: neverFails });
    expect(run).toMatchObject({ state: 'reported', books: { extracted: 4, quarantined: 4, staged: 0 } });
    expect(world.target.rows()).toEqual([]);
    expect(await keysOf(world.buckets.quarantine)).toHaveLength(1);
  });

  it('of more than two million records is refused, whatever has been read by then', async () => {
    const reading = unreadable({ chunkId: 'c', ordinal: 1 }, new RowFault('json-syntax', 'this is no JSON'));
    const readings = Array.from({ length: 50_000 }, () => reading);
    let batches = 0;
    const source = sourceOf(function* () {
      for (; ; batches += 1) yield { readings, checkpoint: String(batches) };
    });
    const { run } = await settled({ source });
    expect(run.failure).toMatchObject({ code: 'chunk-too-large', stage: 'extract' });
    expect(batches).toBe(40);
  }, 60_000);
});

describe('a window', () => {
  it('without a chunk is loaded, reported and committed at once', async () => {
    const { run } = await settled({ source: createSceneSource({ chunks: 0, records: 0, batch: 1 }) });
    expect(run).toMatchObject({
      state: 'reported',
      books: { extracted: 0 },
      committed: { watermark: windowAt(0).to.toISOString() },
    });
  });

  it('of 300 chunks comes to its end, each of them once', async () => {
    const source = createSceneSource({ chunks: 300, records: 2, batch: 2 });
    const { world, run } = await settled({ source });
    expect(run).toMatchObject({ state: 'reported', books: { extracted: 600 } });
    expect(world.target.chunksOf(loadIdAt(world.target.name, run.loadId))).toHaveLength(300);
    expect(world.messages).toEqual([]);
  }, 60_000);

  it('whose source lists a slice twice fails, since its records would be loaded twice', async () => {
    const source = createSceneSource({ chunks: 1, records: 1, batch: 1 });
    const slice = { kind: 'range' as const, from: '0' };
    const { run } = await settled({ source: { ...source, plan: async () => [slice, slice] } });
    expect(run).toMatchObject({ failedIn: 'checking', failure: { code: 'manifest-repeats' } });
  });
});

describe('several destinations', () => {
  it('each tell their own figures; the books are those of the first', async () => {
    const { world, run } = await settled({ targets: (table) => [table, besideOf({})] });
    expect(run.books).toMatchObject({ inserted: 36, updated: 0 });
    expect(world.reports.at(-1)?.destinations.map(({ figures }) => figures)).toEqual([
      { inserted: 36, updated: 0, unchanged: 0 },
    ]);
    if (run.books) expect(findImbalances(run.books)).toEqual([]);
  });

  it('of which one fails hold up the run, and the others load nothing twice', async () => {
    let failures = 2;
    const load: ReturnType<typeof besideOf>['load'] = async (request) => {
      if (failures-- > 0) throw failing('retry', 'target-busy');
      return besideOf({}).load(request);
    };
    const { world, run } = await settled({ targets: (table) => [table, besideOf({ load })] });
    expect(run).toMatchObject({ state: 'reported', books: { inserted: 36, updated: 0, unchanged: 0 } });
    expect(world.target.rows()).toHaveLength(36);
  });

  it('of which one loses a row fail the run', async () => {
    const load = async () => ({ inserted: 1, updated: 0, unchanged: 0 });
    const { run } = await settled({ targets: (table) => [table, besideOf({ load })] });
    expect(run.failure).toMatchObject({ code: 'books-unbalanced', stage: 'load' });
  });
});

describe('the connections a worker has made', () => {
  const to = (host: string, verified = true) => ({
    host,
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    verified,
  });

  it('are those of its own invocation, in a process that serves many', async () => {
    const source = createSceneSource({ chunks: 2, records: 8, batch: 4 });
    const connectingSource: Source = {
      ...source,
      async *read(request) {
        world.connections.push(to(`source-${request.slice.kind === 'range' && request.slice.from}`));
        yield* source.read(request);
      },
    };
    const world = createChainWorld({ source: connectingSource });
    await world.serve((ports, worker) =>
      requestRuns(ports, worker, { pipeline: 'orders', window: windowAt(0), existing: 'leave' }),
    );
    const chunks = await world.ledger.listChunks((await world.ledger.getRun(slotAt())) ?? noRun);
    for (const chunk of chunks) {
      // Left behind by an invocation before, which did not come to reading it.
      world.connections.push(to('leftover'));
      await world.serve((ports, worker) => carry(ports, worker, chunk));
    }
    const extracted = await Promise.all(chunks.map((chunk) => world.ledger.getChunk(chunk)));
    expect(extracted.map((chunk) => chunk?.results.extract?.connections?.map(({ host }) => host))).toEqual([
      ['source-0'],
      ['source-1'],
    ]);
  });

  it('fail the run where one was to somebody who was not verified', async () => {
    const source = createSceneSource({ chunks: 1, records: 8, batch: 4 });
    const world = createChainWorld({
      source: {
        ...source,
        async *read(request) {
          world.connections.push(to('impostor', false));
          yield* source.read(request);
        },
      },
    });
    const run = await world.until(slotAt(), ['failed']);
    expect(run.failure).toMatchObject({ code: 'peer-unverified', stage: 'extract' });
    expect(world.target.rows()).toEqual([]);
  });
});

const noRun = { pipeline: 'orders', runId: 'none' };

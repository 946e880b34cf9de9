import { parquetReadObjects } from 'hyparquet';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Destination } from '../../../../../shared/etl/destinations/destination.ts';
import { createS3Destination } from '../../../../../shared/etl/destinations/s3/destination.ts';
import type { ObjectStore } from '../../../../../shared/etl/objects/object-store.ts';
import { createMemoryObjectStore } from '../../../../../shared/etl/objects/store.memory.ts';
import { systemClock } from '../../../../../shared/runtime/clock.ts';
import { aFinish, aPart, aRequest, aRow, loadId, runIdOf } from '../builders.ts';

const directory = `shop/orders/load=${loadId}`;
const rowsOf = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => aRow({ id: `o-${from + index}`, amount: from + index }));

let objects: ObjectStore;
let destination: Destination;
beforeEach(() => {
  objects = createMemoryObjectStore(systemClock);
  destination = make('ndjson');
});
const make = (format: 'ndjson' | 'parquet') =>
  createS3Destination({
    definition: { type: 's3', prefix: 'shop/', table: 'orders', format },
    objects,
    clock: systemClock,
  });

async function readBytes(key: string, versionId?: string): Promise<Buffer> {
  const held = await objects.read(key, versionId ? { versionId } : {});
  if (!held) throw new Error(`nothing at ${key}`);
  const pieces: Uint8Array[] = [];
  for await (const piece of held.bytes) pieces.push(piece);
  return Buffer.concat(pieces);
}
const readText = async (key: string) => (await readBytes(key)).toString('utf8');
async function versionsUnder(prefix: string) {
  const keys: string[] = [];
  for await (const { key } of objects.listVersions(prefix)) keys.push(key.slice(prefix.length));
  return keys;
}

describe('the S3 destination', () => {
  it('writes one object per part, whose rows are all new', async () => {
    const parts = [aPart(rowsOf(2)), aPart(rowsOf(3, 2), { index: 1 })];
    const figures = await destination.load(aRequest([], { parts, by: { ordinal: 7 } }));
    expect(figures).toEqual({ inserted: 5, updated: 0, unchanged: 0 });
    expect(await versionsUnder(`${directory}/`)).toEqual([
      'part-00007-0000.ndjson',
      'part-00007-0001.ndjson',
    ]);
    const text = await readText(`${directory}/part-00007-0000.ndjson`);
    expect(text.split('\n').map((line) => line.trimEnd())).toEqual([
      '{"id":"o-0","amount":0}',
      '{"id":"o-1","amount":1}',
      '',
    ]);
  });

  it('leaves a repeated part alone and answers the same figures', async () => {
    await destination.load(aRequest(rowsOf(3)));
    const before = await objects.head(`${directory}/part-00000-0000.ndjson`);
    expect(await destination.load(aRequest(rowsOf(3)))).toEqual({ inserted: 3, updated: 0, unchanged: 0 });
    expect(await destination.load(aRequest(rowsOf(3), { by: { fence: 2 } }))).toEqual({
      inserted: 3,
      updated: 0,
      unchanged: 0,
    });
    expect(await objects.head(`${directory}/part-00000-0000.ndjson`)).toEqual(before);
  });

  it('takes other rows of a newer worker of the same run, counted as they were', async () => {
    await destination.load(aRequest(rowsOf(3)));
    const figures = await destination.load(aRequest(rowsOf(2, 5), { by: { fence: 2 } }));
    expect(figures).toEqual({ inserted: 2, updated: 0, unchanged: 0 });
    expect(await readText(`${directory}/part-00000-0000.ndjson`)).toContain('o-5');
  });

  it('replaces what an earlier run wrote and counts it as updated, also when asked again', async () => {
    await destination.load(aRequest(rowsOf(3)));
    const later = aRequest(rowsOf(3), { by: { runId: runIdOf(2) } });
    expect(await destination.load(later)).toEqual({ inserted: 0, updated: 3, unchanged: 0 });
    expect(await destination.load(later)).toEqual({ inserted: 0, updated: 3, unchanged: 0 });
  });

  it.each([
    ['an earlier run', { runId: runIdOf(1), fence: 9 }],
    ['a worker that has lost its chunk', { runId: runIdOf(2), fence: 1 }],
  ])('refuses %s, with rows and without', async (_, by) => {
    await destination.load(aRequest(rowsOf(3), { by: { runId: runIdOf(2), fence: 2 } }));
    const superseded = { code: 'load-superseded', disposition: 'give-up' };
    await expect(destination.load(aRequest(rowsOf(3), { by }))).rejects.toMatchObject(superseded);
    await expect(destination.load(aRequest([], { parts: [], by }))).rejects.toMatchObject(superseded);
    expect(await versionsUnder(`${directory}/`)).toHaveLength(1);
  });

  it('lets twins agree on one object', async () => {
    const twins = Array.from({ length: 20 }, () => destination.load(aRequest(rowsOf(4))));
    const figures = await Promise.all(twins);
    expect(new Set(figures.map((each) => JSON.stringify(each)))).toEqual(
      new Set(['{"inserted":4,"updated":0,"unchanged":0}']),
    );
    expect(await versionsUnder(`${directory}/`)).toEqual(['part-00000-0000.ndjson']);
  });

  it('ends with the newest of many runs that race, every other one replaced or refused', async () => {
    const runs = [3, 1, 5, 2, 4].map((run) =>
      destination.load(aRequest(rowsOf(run, 100 * run), { by: { runId: runIdOf(run) } })),
    );
    await Promise.allSettled(runs);
    expect(await readText(`${directory}/part-00000-0000.ndjson`)).toContain('"o-504"');
  });

  it('is not misled by a newer run whose rows equal the oldest, since equal rows have other bytes', async () => {
    await destination.load(aRequest(rowsOf(2), { by: { runId: runIdOf(1) } }));
    const first = await objects.head(`${directory}/part-00000-0000.ndjson`);
    await destination.load(aRequest(rowsOf(2), { by: { runId: runIdOf(3) } }));
    const third = await objects.head(`${directory}/part-00000-0000.ndjson`);
    expect(third?.etag).not.toBe(first?.etag);
  });

  it('writes nothing for an empty chunk', async () => {
    expect(await destination.load(aRequest([], { parts: [] }))).toEqual({
      inserted: 0,
      updated: 0,
      unchanged: 0,
    });
    expect(await destination.load(aRequest([]))).toEqual({ inserted: 0, updated: 0, unchanged: 0 });
    expect(await versionsUnder('')).toEqual([]);
  });

  it('erases parts of its own run that a repetition no longer has', async () => {
    await destination.load(aRequest([], { parts: [aPart(rowsOf(1)), aPart(rowsOf(1, 1), { index: 1 })] }));
    await destination.load(aRequest(rowsOf(1), { by: { fence: 2 } }));
    expect(await versionsUnder(`${directory}/`)).toEqual(['part-00000-0000.ndjson']);
  });

  it('fails on a part that holds other rows than it says, before anything is written', async () => {
    const parts = [aPart(rowsOf(2), { rows: 3 })];
    await expect(destination.load(aRequest([], { parts }))).rejects.toMatchObject({
      code: 'staged-rows-differ',
    });
    expect(await versionsUnder('')).toEqual([]);
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(destination.load(aRequest(rowsOf(1), { signal }))).rejects.toThrow('enough');
  });

  it('writes Parquet that another reader reads', async () => {
    const request = aRequest(rowsOf(3));
    expect(await make('parquet').load(request)).toEqual({ inserted: 3, updated: 0, unchanged: 0 });
    const bytes = await readBytes(`${directory}/part-00000-0000.parquet`);
    const file = new Uint8Array(bytes).buffer;
    expect(await parquetReadObjects({ file })).toEqual([
      { id: 'o-0', amount: 0n },
      { id: 'o-1', amount: 1n },
      { id: 'o-2', amount: 2n },
    ]);
  });
});

describe('a finished load', () => {
  const chunkIds = ['c-0', 'c-1', 'c-2'];
  const loadRun = async (run: number, chunks: readonly number[]) => {
    for (const ordinal of chunks) {
      const by = { runId: runIdOf(run), ordinal, chunkId: `c-${ordinal}` };
      await destination.load(aRequest(rowsOf(ordinal + run, 10 * ordinal), { by }));
    }
  };
  const manifest = async () => JSON.parse(await readText(`shop/orders/_loads/${loadId}.json`));

  it('is listed version by version, with figures that add up', async () => {
    await loadRun(1, [0, 1, 2]);
    await destination.finish(aFinish({ chunkIds }));
    const listed = await manifest();
    expect(listed).toMatchObject({
      version: 1,
      pipeline: 'orders',
      loadId,
      runId: runIdOf(1),
      rows: 6,
      inserted: 6,
    });
    expect(listed.files).toHaveLength(3);
    for (const { key, versionId, rows } of listed.files) {
      const lines = (await readBytes(key, versionId)).toString('utf8').trimEnd().split('\n');
      expect(lines).toHaveLength(rows);
    }
  });

  it('holds nothing of earlier runs, neither their parts nor the versions they replaced', async () => {
    await loadRun(1, [0, 1, 2]);
    await destination.finish(aFinish({ chunkIds }));
    await loadRun(2, [0, 1]);
    expect((await manifest()).files).toHaveLength(3);
    await destination.finish(aFinish({ chunkIds: ['c-0', 'c-1'], runId: runIdOf(2), of: 2 }));
    expect(await versionsUnder(`${directory}/`)).toEqual([
      'part-00000-0000.ndjson',
      'part-00001-0000.ndjson',
    ]);
    expect(await manifest()).toMatchObject({ runId: runIdOf(2), rows: 5, updated: 5, inserted: 0 });
  });

  it('keeps what an earlier list names until the newer run is finished', async () => {
    await loadRun(1, [0, 1, 2]);
    await destination.finish(aFinish({ chunkIds }));
    const { files } = await manifest();
    await loadRun(2, [0]);
    for (const { key, versionId } of files) await readBytes(key, versionId);
  });

  it('changes nothing when it is finished again', async () => {
    await loadRun(1, [0, 1, 2]);
    await destination.finish(aFinish({ chunkIds }));
    const before = await versionsUnder('');
    const listed = await readText(`shop/orders/_loads/${loadId}.json`);
    await destination.finish(aFinish({ chunkIds }));
    expect(await versionsUnder('')).toEqual(before);
    expect(await readText(`shop/orders/_loads/${loadId}.json`)).toBe(listed);
  });

  it('is not finished by a run that another has overtaken', async () => {
    await loadRun(1, [0, 1, 2]);
    await loadRun(2, [0]);
    const superseded = { code: 'load-superseded' };
    await expect(destination.finish(aFinish({ chunkIds }))).rejects.toMatchObject(superseded);
    await destination.finish(aFinish({ chunkIds: ['c-0'], runId: runIdOf(2) }));
    await expect(destination.finish(aFinish({ chunkIds: [] }))).rejects.toMatchObject(superseded);
  });

  it('leaves other loads and other tables alone', async () => {
    await loadRun(1, [0]);
    const other = 'b'.repeat(64);
    await destination.load(aRequest(rowsOf(1), { by: { loadId: other } }));
    await objects.create({ key: 'shop/orders_archive/load=x/part', body: Buffer.from('x') });
    await destination.finish(aFinish({ chunkIds: ['c-0'] }));
    expect(await versionsUnder(`shop/orders/load=${other}/`)).toHaveLength(1);
    expect(await versionsUnder('shop/orders_archive/')).toHaveLength(1);
  });

  it('is listed empty when it has no rows', async () => {
    await destination.finish(aFinish({ chunkIds: [], of: 0 }));
    expect(await manifest()).toMatchObject({ rows: 0, files: [] });
  });

  it.each([
    ['just before', 'before'],
    ['just after', 'after'],
  ])(
    'holds nothing of a late worker of an earlier run that writes %s the list is there',
    async (_, moment) => {
      await loadRun(2, [0]);
      const lateLoad = () => {
        const by = { runId: runIdOf(1), ordinal: 5, chunkId: 'c-5' };
        return destination.load(aRequest(rowsOf(1), { by })).catch((error: { code: string }) => error.code);
      };
      let late: unknown;
      const withLateWorker: ObjectStore = {
        ...objects,
        async create(upload) {
          if (moment === 'before') late = await lateLoad();
          const written = await objects.create(upload);
          if (moment === 'after') late = await lateLoad();
          return written;
        },
      };
      const definition = { type: 's3', prefix: 'shop/', table: 'orders', format: 'ndjson' } as const;
      const finishing = createS3Destination({ definition, objects: withLateWorker, clock: systemClock });
      await finishing.finish(aFinish({ chunkIds: ['c-0'], runId: runIdOf(2) }));
      expect(late).toEqual(
        moment === 'before' ? { inserted: 1, updated: 0, unchanged: 0 } : 'load-superseded',
      );
      expect(await versionsUnder(`${directory}/`)).toEqual(['part-00000-0000.ndjson']);
    },
  );

  it('is told to a late worker that was writing while the load was finished, and what it wrote is erased', async () => {
    await loadRun(2, [0]);
    const interrupted: ObjectStore = {
      ...objects,
      async create(upload) {
        const written = await objects.create(upload);
        if (upload.key.includes('part-00005')) {
          const other = { objects: { ...objects, listVersions: withoutLate }, clock: systemClock };
          const definition = { type: 's3', prefix: 'shop/', table: 'orders', format: 'ndjson' } as const;
          await createS3Destination({ definition, ...other }).finish(
            aFinish({ chunkIds: ['c-0'], runId: runIdOf(2) }),
          );
        }
        return written;
      },
    };
    async function* withoutLate(prefix: string) {
      for await (const version of objects.listVersions(prefix))
        if (!version.key.includes('part-00005')) yield version;
    }
    const definition = { type: 's3', prefix: 'shop/', table: 'orders', format: 'ndjson' } as const;
    const late = createS3Destination({ definition, objects: interrupted, clock: systemClock });
    const by = { runId: runIdOf(1), ordinal: 5, chunkId: 'c-5' };
    await expect(late.load(aRequest(rowsOf(1), { by }))).rejects.toMatchObject({ code: 'load-superseded' });
    expect(await versionsUnder(`${directory}/`)).toEqual(['part-00000-0000.ndjson']);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../../../shared/etl/objects/object-store.ts';
import { createMemoryObjectStore } from '../../../../shared/etl/objects/store.memory.ts';
import type { SourceSlice } from '../../../../shared/etl/run/manifest.ts';
import { createS3Source } from '../../../../shared/etl/sources/s3.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';

const window = { from: new Date('2026-11-22T10:00:00Z'), to: new Date('2026-11-22T11:00:00Z') };
const line = (id: string) => Buffer.from(`{"id":"${id}"}\n`);
const signal = new AbortController().signal;

let clock: ReturnType<typeof createFakeClock>;
let objects: ReturnType<typeof createMemoryObjectStore>;

beforeEach(() => {
  clock = createFakeClock(new Date('2026-11-22T10:00:00Z'));
  objects = createMemoryObjectStore(clock);
});

const sourceOver = (store: ObjectStore = objects) =>
  createS3Source({
    definition: { type: 's3', bucket: 'drop', prefix: 'in/', format: { type: 'ndjson' } },
    objects: store,
  });

async function overwrite(key: string, body: Uint8Array) {
  const head = await objects.head(key);
  return head ? objects.replace({ key, body }, head.etag) : objects.create({ key, body });
}

async function readIds(slices: readonly SourceSlice[], store: ObjectStore = objects): Promise<unknown[]> {
  const ids: unknown[] = [];
  for (const slice of slices) {
    for await (const { readings } of sourceOver(store).read({ chunkId: 'c', slice, signal })) {
      ids.push(
        ...readings.map((reading) => (reading.kind === 'record' ? reading.record.row.id : reading.kind)),
      );
    }
  }
  return ids;
}

describe('a plan over objects', () => {
  it('takes of each key the newest version that the window holds, whatever came later', async () => {
    await overwrite('in/a', line('first'));
    clock.advance(60_000);
    await overwrite('in/a', line('second'));
    await overwrite('in/b', line('b'));
    clock.advance(3_600_000);
    await overwrite('in/a', line('of the next window'));
    const slices = await sourceOver().plan(window, signal);
    expect(await readIds(slices)).toEqual(['second', 'b']);
  });

  it('still reads what was deleted since, so that a window planned again is the same', async () => {
    await overwrite('in/a', line('a'));
    const before = await sourceOver().plan(window, signal);
    await objects.deleteLatest('in/a');
    const after = await sourceOver().plan(window, signal);
    expect(after).toEqual(before);
    expect(await readIds(after)).toEqual(['a']);
  });

  it('has the window begin with its first instant and end before its last', async () => {
    await overwrite('in/at-the-beginning', line('begin'));
    clock.advance(3_600_000);
    await overwrite('in/at-the-end', line('end'));
    expect(await readIds(await sourceOver().plan(window, signal))).toEqual(['begin']);
  });

  it('orders keys as bytes and passes over what is empty', async () => {
    for (const key of ['in/é', 'in/Z', 'in/a', 'in/'])
      await overwrite(key, key === 'in/' ? Buffer.of() : line(key));
    const slices = await sourceOver().plan(window, signal);
    expect(slices.map((slice) => slice.kind === 'object' && slice.key)).toEqual(['in/Z', 'in/a', 'in/é']);
  });
});

describe('an object that is not what was planned', () => {
  const planOne = async () => {
    await overwrite('in/a', line('a'));
    const [slice] = await sourceOver().plan(window, signal);
    if (slice?.kind !== 'object') throw new Error('no slice');
    return slice;
  };
  const changed = { code: 'object-changed', disposition: 'give-up' };

  it('fails when its version is gone', async () => {
    const slice = await planOne();
    await objects.deleteVersion(slice.key, slice.versionId);
    await expect(readIds([slice])).rejects.toMatchObject(changed);
  });

  it.each([{ etag: '"other"' }, { sizeBytes: 1 }])('fails when %j was planned', async (part) => {
    const slice = await planOne();
    await expect(readIds([{ ...slice, ...part }])).rejects.toMatchObject(changed);
  });

  it.each([
    ['fewer', line('a').subarray(0, -2)],
    ['more', Buffer.concat([line('a'), line('b')])],
  ])('fails when %s bytes come than its head told', async (_what, body) => {
    const slice = await planOne();
    const lying: ObjectStore = {
      ...objects,
      async read(...request) {
        const found = await objects.read(...request);
        return (
          found && {
            object: found.object,
            bytes: (async function* () {
              yield body;
            })(),
          }
        );
      },
    };
    await expect(readIds([slice], lying)).rejects.toMatchObject(changed);
  });

  it('fails when the store answers with another version', async () => {
    const slice = await planOne();
    const lying: ObjectStore = {
      ...objects,
      async read(...request) {
        const found = await objects.read(...request);
        return found && { ...found, object: { ...found.object, versionId: 'another' } };
      },
    };
    await expect(readIds([slice], lying)).rejects.toMatchObject(changed);
  });

  it('is read on from the middle of a batch, as after a change of the batches’ size', async () => {
    await overwrite('in/a', Buffer.concat([line('1'), line('2'), line('3')]));
    const [slice] = await sourceOver().plan(window, signal);
    if (!slice) throw new Error('no slice');
    const batches = sourceOver().read({ chunkId: 'c', slice, signal, checkpoint: '{"ordinal":2}' });
    const { value } = await batches[Symbol.asyncIterator]().next();
    expect(value?.readings).toMatchObject([{ record: { position: { ordinal: 3 }, row: { id: '3' } } }]);
  });

  it('is read by the compression that its key names, and an archive is refused', async () => {
    await overwrite('in/a.zip', line('a'));
    const slices = await sourceOver().plan(window, signal);
    await expect(readIds(slices)).rejects.toMatchObject({ code: 'compression-unsupported' });
  });

  it('is not read on from a checkpoint of something else', async () => {
    const slice = await planOne();
    const reading = sourceOver().read({ chunkId: 'c', slice, signal, checkpoint: '{"place":1}' });
    await expect(reading[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'checkpoint-invalid',
    });
  });
});

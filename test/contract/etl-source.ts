import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RecordReading } from '../../shared/etl/records/reading.ts';
import type { Window } from '../../shared/etl/run/window.ts';
import type { Source, SourceBatch } from '../../shared/etl/sources/source.ts';

/** A source that holds known records, and how a test asks it. */
export interface SourceScene {
  readonly source: Source;
  /** Holds records, and more than one batch or slice of them. */
  readonly window: Window;
  /** Holds none, though the source has records elsewhere in time. */
  readonly emptyWindow: Window;
  /** What `identify` makes of each record of the window, in the source's order; those outside are not among it. */
  readonly expected: readonly string[];
  /** The column that names a record. */
  readonly idColumn: string;
  /** Texts out of the records that no checkpoint and no description may hold. */
  readonly values: readonly string[];
  /** Whether a reading of the window has checkpoints at all. */
  readonly hasCheckpoints: boolean;
  stop(): Promise<void>;
}

/** What every source promises its readers. */
export function describeSourceContract(name: string, make: () => Promise<SourceScene>): void {
  describe(`source: ${name}`, () => {
    let scene: SourceScene;
    beforeAll(async () => {
      scene = await make();
    });
    afterAll(async () => {
      await scene.source.close();
      await scene.stop();
    });

    it('plans the same slices whenever it is asked', async () => {
      const signal = new AbortController().signal;
      const first = await scene.source.plan(scene.window, signal);
      expect(first.length).toBeGreaterThan(0);
      expect(await scene.source.plan(scene.window, signal)).toEqual(first);
      expect(new Set(first.map((slice) => JSON.stringify(slice))).size).toBe(first.length);
    });

    it('reads the records of the window, each once, in its order, and the same again', async () => {
      const first = await readWindow(scene, scene.window);
      expect(first.map((reading) => idOf(scene, reading))).toEqual(scene.expected);
      expect(await readWindow(scene, scene.window)).toEqual(first);
    });

    it('counts records upwards within a chunk and never hands out an empty batch', async () => {
      for (const { chunkId, batches } of await readSlices(scene, scene.window)) {
        expect(batches.every(({ readings }) => readings.length > 0)).toBe(true);
        const positions = batches.flatMap(({ readings }) => readings.map(positionOf));
        expect(positions.every((position) => position.chunkId === chunkId)).toBe(true);
        const ordinals = positions.map(({ ordinal }) => ordinal);
        expect(ordinals[0]).toBeGreaterThan(0);
        expect(ordinals.every((ordinal, index) => index === 0 || ordinal > Number(ordinals[index - 1]))).toBe(
          true,
        );
      }
    });

    it('goes on after every checkpoint with exactly what is missing', async () => {
      let checkpoints = 0;
      for (const { slice, chunkId, batches } of await readSlices(scene, scene.window)) {
        const whole = batches.flatMap(({ readings }) => readings);
        let done = 0;
        for (const { readings, checkpoint } of batches) {
          done += readings.length;
          if (checkpoint === undefined) continue;
          checkpoints += 1;
          const rest = await collect(scene.source.read({ slice, chunkId, checkpoint, signal: never() }));
          expect(rest.flatMap((batch) => batch.readings)).toEqual(whole.slice(done));
        }
      }
      expect(checkpoints > 0).toBe(scene.hasCheckpoints);
    });

    it('keeps values out of checkpoints and of its description', async () => {
      const slices = await readSlices(scene, scene.window);
      const checkpoints = slices.flatMap(({ batches }) => batches.map(({ checkpoint = '' }) => checkpoint));
      expect(checkpoints.every((checkpoint) => checkpoint.length <= 2_000)).toBe(true);
      const told = [...checkpoints, scene.source.description].join('\n');
      expect(scene.values.filter((value) => told.includes(value))).toEqual([]);
      expect(scene.source.description).not.toContain('?');
    });

    it('finds nothing in a window without records', async () => {
      expect(await readWindow(scene, scene.emptyWindow)).toEqual([]);
    });

    it('ends with the reason of a signal that was given before', async () => {
      const reason = new Error('stopped before');
      const signal = AbortSignal.abort(reason);
      await expect(scene.source.plan(scene.window, signal)).rejects.toBe(reason);
      const [slice] = await scene.source.plan(scene.window, never());
      if (!slice) throw new Error('no slice');
      await expect(collect(scene.source.read({ chunkId: 'c', slice, signal }))).rejects.toBe(reason);
    });

    it('ends with the reason of a signal that comes while it reads', async () => {
      const reason = new Error('stopped meanwhile');
      const controller = new AbortController();
      const readAll = async () => {
        for (const slice of await scene.source.plan(scene.window, never())) {
          for await (const batch of scene.source.read({ chunkId: 'c', slice, signal: controller.signal })) {
            if (batch.readings.length > 0) controller.abort(reason);
          }
        }
      };
      await expect(readAll()).rejects.toBe(reason);
    });

    it('may be left early and read again', async () => {
      const [slice] = await scene.source.plan(scene.window, never());
      if (!slice) throw new Error('no slice');
      for await (const batch of scene.source.read({ chunkId: 'c', slice, signal: never() })) {
        expect(batch.readings.length).toBeGreaterThan(0);
        break;
      }
      const again = await readWindow(scene, scene.window);
      expect(again.map((reading) => idOf(scene, reading))).toEqual(scene.expected);
    });
  });
}

const never = () => new AbortController().signal;

async function readSlices({ source }: SourceScene, window: Window) {
  const slices = await source.plan(window, never());
  const read = [];
  for (const [index, slice] of slices.entries()) {
    const chunkId = `chunk-${index}`;
    read.push({ slice, chunkId, batches: await collect(source.read({ slice, chunkId, signal: never() })) });
  }
  return read;
}

async function readWindow(scene: SourceScene, window: Window): Promise<RecordReading[]> {
  const slices = await readSlices(scene, window);
  return slices.flatMap(({ batches }) => batches.flatMap(({ readings }) => readings));
}

async function collect(batches: AsyncIterable<SourceBatch>): Promise<SourceBatch[]> {
  const all: SourceBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

const positionOf = (reading: RecordReading) =>
  reading.kind === 'record' ? reading.record.position : reading.quarantined.position;

const idOf = ({ idColumn }: SourceScene, reading: RecordReading) =>
  reading.kind === 'record'
    ? String(reading.record.row[idColumn])
    : `unreadable ${positionOf(reading).ordinal}`;

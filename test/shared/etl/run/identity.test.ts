import { describe, expect, it } from 'vitest';
import {
  buildManifest,
  digestOfManifest,
  mostChunks,
  sourceVersions,
} from '../../../../shared/etl/run/manifest.ts';
import { newRunId } from '../../../../shared/etl/run/run-id.ts';
import { loadIdAt, loadIdOf } from '../../../../shared/etl/run/scope.ts';
import { createSeededRandom } from '../../../support/seeded-random.ts';
import { aManifest, aWindow, noon, secondsLater } from '../ledger/builders.ts';

describe('a run id', () => {
  it('is a UUID of version 7 with the time in front (RFC 9562, A.6)', () => {
    const now = new Date(0x017f22e279b0);
    expect(newRunId(now, () => 0)).toBe('017f22e2-79b0-7000-8000-000000000000');
    expect(newRunId(now, () => 1 - 2 ** -48)).toBe('017f22e2-79b0-7fff-bfff-ffffffffffff');
  });

  it('never comes twice, and sorts by time', () => {
    const random = createSeededRandom(3);
    const ids = Array.from({ length: 1000 }, () => newRunId(noon, random));
    expect(new Set(ids).size).toBe(1000);
    expect(ids.every((id) => id < newRunId(new Date(noon.getTime() + 1), random))).toBe(true);
  });
});

describe('a load id', () => {
  const load = { pipeline: 'orders', scope: aWindow() };

  it('is the same for the same pipeline and scope, for ever', () => {
    expect(loadIdOf(load)).toBe(loadIdOf({ ...load, scope: aWindow() }));
    expect(loadIdOf(load)).toBe('8056f8ad34ca1f4acc3fccfdad3783d938c60464aea1ca14110008051c2ba187');
  });

  it('differs by each of them, and does not run them together', () => {
    const ids = [
      load,
      { ...load, pipeline: 'order' },
      { ...load, scope: aWindow(10) },
      { ...load, scope: { ...aWindow(), to: secondsLater(1) } },
      { ...load, scope: { kind: 'replay' as const, loadId: loadIdOf(load), round: 1, of: 'window/x' } },
      { ...load, scope: { kind: 'replay' as const, loadId: loadIdOf(load), round: 2, of: 'window/x' } },
    ].map(loadIdOf);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is another one at each destination', () => {
    const loadId = loadIdOf(load);
    const ids = [
      loadIdAt('a', loadId),
      loadIdAt('b', loadId),
      loadIdAt('a', loadIdOf({ ...load, pipeline: 'b' })),
    ];
    expect(new Set([...ids, loadId]).size).toBe(4);
    expect(ids).toEqual(ids.map(() => expect.stringMatching(/^[0-9a-f]{64}$/)));
  });
});

describe('a manifest', () => {
  const slices = aManifest('r', 3).entries.map(({ slice }) => slice);

  it('gives every slice an id of its own that is the same each time, and that sorts by its place', () => {
    const ids = buildManifest('r', slices).entries.map(({ chunkId }) => chunkId);
    expect(buildManifest('s', slices).entries.map(({ chunkId }) => chunkId)).toEqual(ids);
    expect(ids).toEqual(ids.toSorted());
    expect(ids[0]).toMatch(/^00000-[0-9a-f]{16}$/);
  });

  it('has another digest when a slice, the order or the run is another', () => {
    const digests = [
      buildManifest('r', slices),
      buildManifest('s', slices),
      buildManifest('r', slices.toReversed()),
      buildManifest('r', slices.slice(1)),
      buildManifest('r', [...slices.slice(1), { kind: 'range', from: '1' }]),
      buildManifest('r', [...slices.slice(1), { kind: 'range', from: '1', to: '2' }]),
    ].map(digestOfManifest);
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('refuses a slice that is listed twice, and more slices than a run can count', () => {
    expect(() => buildManifest('r', [...slices, ...slices.slice(2)])).toThrow(
      expect.objectContaining({ code: 'manifest-repeats' }),
    );
    const many = Array.from({ length: mostChunks + 1 }, (_, index) => ({
      kind: 'range' as const,
      from: String(index),
    }));
    expect(() => buildManifest('r', many)).toThrow(expect.objectContaining({ code: 'manifest-too-long' }));
    expect(buildManifest('r', many.slice(1)).entries).toHaveLength(mostChunks);
  });

  it('names the versions of what it lists', () => {
    expect(sourceVersions(aManifest('r', 2))).toEqual(['raw/0.ndjson@v0', 'raw/1.ndjson@v1']);
    expect(sourceVersions(buildManifest('r', [{ kind: 'range', from: '1' }]))).toEqual([]);
  });
});

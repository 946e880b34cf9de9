import { Failure } from '../../runtime/errors.ts';
import type { RecordReading } from '../records/reading.ts';
import type { SourceSlice } from '../run/manifest.ts';
import type { SliceRequest, Source, SourceBatch } from '../sources/source.ts';
import { readPart } from './parts.ts';
import type { ChainPorts } from './ports.ts';
import { quarantineOf, runOfQuarantined } from './quarantine-lines.ts';
import { readRawLines } from './raw-lines.ts';
import { partName } from './replays.ts';
import { quarantineShelf } from './shelves.ts';

/**
 * What a load has set aside, as a source: its readable records are tried again, its unreadable ones come as what they
 * were, so that the books of load and replay fold into one.
 */
export function createQuarantineSource(
  ports: Pick<ChainPorts, 'keys' | 'buckets' | 'random'>,
  load: {
    pipeline: string;
    loadId: string;
    /** What is to be replayed, by `partName`; what else lies there is not. */
    listParts: () => Promise<ReadonlySet<string>>;
  },
): Source {
  const { quarantine } = ports.buckets;
  return {
    description: `quarantine of load ${load.loadId}`,
    async plan() {
      const slices: SourceSlice[] = [];
      const parts = await load.listParts();
      for await (const version of quarantine.listVersions(quarantineOf(load))) {
        if (!version.latest || version.deleted || !parts.has(partName(version))) continue;
        const { key, versionId, etag, sizeBytes } = version;
        slices.push({ kind: 'object', key, versionId, etag, sizeBytes });
      }
      return slices;
    },
    async *read({ slice, chunkId }: SliceRequest): AsyncGenerator<SourceBatch> {
      if (slice.kind !== 'object') throw notQuarantined();
      const run = { pipeline: load.pipeline, runId: runOfQuarantined(slice.key) };
      const shelf = await quarantineShelf(ports, run);
      const text = await readPart(shelf, { ...slice, lines: 0, digest: '' });
      let ordinal = 0;
      for await (const { records, unreadable } of readRawLines(chunkId, text)) {
        const readings: RecordReading[] = [
          ...records.map(({ row }) => ({
            kind: 'record' as const,
            record: { position: { chunkId, ordinal: ++ordinal }, row },
          })),
          ...unreadable.map(({ reasons }) => ({
            kind: 'unreadable' as const,
            quarantined: { position: { chunkId, ordinal: ++ordinal }, reasons },
          })),
        ];
        yield { readings };
      }
    },
    async close() {},
  };
}

const notQuarantined = () =>
  new Failure({
    code: 'slice-unknown',
    disposition: 'bug',
    message: 'a replay reads objects of the quarantine, and its manifest lists something else',
  });

import { z } from 'zod';
import { Failure } from '../../runtime/errors.ts';
import type { PipelineSource } from '../definition/source-schema.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { chooseCompression } from '../records/compression.ts';
import { type RecordLimits, recordLimits } from '../records/limits.ts';
import { readRecords } from '../records/read-records.ts';
import type { RecordReading } from '../records/reading.ts';
import { mostChunks, type SourceSlice } from '../run/manifest.ts';
import type { Window } from '../run/window.ts';
import type { SliceRequest, Source, SourceBatch } from './source.ts';

type S3Definition = Extract<PipelineSource, { type: 's3' }>;
type ObjectSlice = Extract<SourceSlice, { kind: 'object' }>;

export interface S3SourceOptions {
  readonly definition: S3Definition;
  /** The definition's bucket. */
  readonly objects: ObjectStore;
  readonly limits?: Partial<RecordLimits> | undefined;
}

/**
 * Objects under a prefix as a source, one slice for each, in the order of their keys: the newest version that was
 * stored within the window, whatever was stored or deleted after it, so that a window planned again is the same.
 * Empty objects hold nothing and are passed over. Note that S3 dates a multipart upload by its beginning; the
 * window's `lagSeconds` must cover the longest upload. Reading goes on by reading the version again and leaving out
 * what was handed out.
 *
 * Failures: `source-objects-exceeded`, `object-changed` (give-up), those of `readRecords`, `chooseCompression` and
 * of the store.
 */
export function createS3Source({ definition, objects, limits }: S3SourceOptions): Source {
  const { bucket, prefix } = definition;
  const checkedLimits = recordLimits(limits);
  return {
    description: `s3://${bucket}/${prefix}`,
    plan: (window, signal) => planObjects({ objects, prefix, window, signal }),
    read: (request) => readObject(request, { definition, objects, limits: checkedLimits }),
    close: async () => undefined,
  };
}

interface PlanRequest {
  readonly objects: ObjectStore;
  readonly prefix: string;
  readonly window: Window;
  readonly signal: AbortSignal;
}

async function planObjects({ objects, prefix, window, signal }: PlanRequest): Promise<SourceSlice[]> {
  const slices: ObjectSlice[] = [];
  let takenKey: string | undefined;
  for await (const version of objects.listVersions(prefix)) {
    signal.throwIfAborted();
    const { key, versionId, etag, sizeBytes, lastModifiedAt, deleted } = version;
    const isInWindow = lastModifiedAt >= window.from && lastModifiedAt < window.to;
    // Of a key the newest version comes first.
    if (deleted || !isInWindow || key === takenKey) continue;
    takenKey = key;
    if (sizeBytes === 0) continue;
    if (slices.length === mostChunks) {
      const message = `more than ${mostChunks} objects under ${prefix} in one window; make the windows shorter`;
      throw new Failure({ code: 'source-objects-exceeded', disposition: 'give-up', message });
    }
    slices.push({ kind: 'object', key, versionId, etag, sizeBytes });
  }
  return slices;
}

const checkpointSchema = z.strictObject({ ordinal: z.int().min(1) });

async function* readObject(
  { chunkId, slice, checkpoint, signal }: SliceRequest,
  { definition, objects, limits }: S3SourceOptions & { limits: RecordLimits },
): AsyncGenerator<SourceBatch> {
  if (slice.kind !== 'object') {
    const message = 'the slice is no object, which is all that an S3 source plans';
    throw new Failure({ code: 'slice-invalid', disposition: 'bug', message });
  }
  signal.throwIfAborted();
  const doneOrdinal = checkpoint === undefined ? 0 : parseCheckpoint(checkpoint);
  const compression = chooseCompression({ name: slice.key });
  const bytes = readVersion(objects, slice, signal);
  for await (const batch of readRecords({ chunkId, bytes, format: definition.format, compression, limits })) {
    signal.throwIfAborted();
    const last = ordinalOf(batch.at(-1));
    if (last <= doneOrdinal) continue;
    const readings = batch.filter((reading) => ordinalOf(reading) > doneOrdinal);
    yield { readings, checkpoint: JSON.stringify({ ordinal: last }) };
  }
  signal.throwIfAborted();
}

/** The planned version's bytes, held to its size and etag. */
async function* readVersion(
  objects: ObjectStore,
  slice: ObjectSlice,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const found = await objects.read(slice.key, { versionId: slice.versionId, signal });
  if (!found) throw changed(slice, 'is gone');
  const { versionId, etag, sizeBytes } = found.object;
  if (versionId !== slice.versionId || etag !== slice.etag || sizeBytes !== slice.sizeBytes)
    throw changed(slice, 'is another one than was planned');
  let seenBytes = 0;
  for await (const piece of found.bytes) {
    signal.throwIfAborted();
    seenBytes += piece.length;
    if (seenBytes > slice.sizeBytes) throw changed(slice, 'is longer than was planned');
    yield piece;
  }
  if (seenBytes < slice.sizeBytes) throw changed(slice, 'is shorter than was planned');
}

const changed = ({ key, versionId }: ObjectSlice, what: string) =>
  new Failure({
    code: 'object-changed',
    disposition: 'give-up',
    message: `version ${versionId} of ${key} ${what}; plan the run anew`,
  });

function parseCheckpoint(text: string): number {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    given = undefined;
  }
  const result = checkpointSchema.safeParse(given);
  if (result.success) return result.data.ordinal;
  throw new Failure({
    code: 'checkpoint-invalid',
    disposition: 'give-up',
    message: 'the checkpoint is not one of an S3 source; start the run anew',
  });
}

function ordinalOf(reading: RecordReading | undefined): number {
  if (!reading) return 0;
  return reading.kind === 'record' ? reading.record.position.ordinal : reading.quarantined.position.ordinal;
}

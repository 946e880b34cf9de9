import * as z from 'zod';
import { countNames } from '../books/books.ts';
import type { Chunk } from './chunk.ts';
import { failureClasses } from './failure-class.ts';
import { type Run, runStates, stages } from './run.ts';

const count = z.number().int().nonnegative();
const instant = z.coerce.date();
const books = z.record(z.enum(countNames), count);
const stage = z.enum(stages);
const quality = z.object({
  records: count,
  nulls: z.record(z.string(), count),
  violations: z.record(z.string(), count),
  violating: count,
  newestAt: instant.optional(),
});
const failure = z.object({
  class: z.enum(failureClasses),
  code: z.string(),
  at: instant,
  stage: stage.optional(),
  chunkId: z.string().optional(),
});
const scope = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('window'), from: instant, to: instant }),
  z.object({ kind: z.literal('replay'), loadId: z.string(), round: count, of: z.string() }),
]);
export const readSlice = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('object'),
    key: z.string(),
    versionId: z.string(),
    etag: z.string(),
    sizeBytes: count,
  }),
  z.object({ kind: z.literal('range'), from: z.string(), to: z.string().optional() }),
]);

const connection = z.object({
  host: z.string(),
  protocol: z.string(),
  cipher: z.string(),
  verified: z.boolean(),
  fingerprint: z.string().optional(),
  expiresAt: z.string().optional(),
});

const storedRun = z.object({
  pipeline: z.string(),
  scopeKey: z.string(),
  scope,
  runId: z.string(),
  loadId: z.string(),
  target: z.string(),
  trigger: z.enum(['schedule', 'manual', 'backfill', 'replay']),
  configHash: z.string(),
  contractVersion: z.string(),
  version: count,
  state: z.enum(runStates),
  openedAt: instant,
  failedIn: z.enum(runStates).optional(),
  failure: failure.optional(),
  strugglingSince: instant.optional(),
  heldFor: z
    .array(
      z.object({
        code: z.string(),
        subject: z.string(),
        message: z.string(),
        renew: z.string().optional(),
      }),
    )
    .optional(),
  manifestKey: z.string().optional(),
  manifestDigest: z.string().optional(),
  chunkCount: count.optional(),
  watermark: z.string().optional(),
  books: books.optional(),
  quality: quality.optional(),
  committed: z.object({ runId: z.string(), at: instant, watermark: z.string().optional() }).optional(),
  lease: z.object({ owner: z.string(), until: instant }).optional(),
  nextActionAt: instant.optional(),
});

const result = z.object({
  books,
  outKey: z.string().optional(),
  outDigest: z.string().optional(),
  quality: quality.optional(),
  connections: z.array(connection).optional(),
});

const storedChunk = z.object({
  pipeline: z.string(),
  scopeKey: z.string(),
  runId: z.string(),
  chunkId: z.string(),
  ordinal: count,
  of: count,
  slice: readSlice,
  stage,
  phase: z.enum(['pending', 'settling', 'done']),
  results: z.partialRecord(stage, result),
  tries: z.object({ failures: count, throttles: count }),
  vanished: count,
  checkpoint: z.string().optional(),
  failure: failure.optional(),
  restsUntil: instant.optional(),
  nextActionAt: instant.optional(),
});

/** An item's attributes as plain values: instants as ISO 8601 text, which sorts as time does. */
export const toAttributes = (stored: Run | Chunk): Record<string, unknown> =>
  JSON.parse(JSON.stringify(stored));

/** Attributes beside the run's own are ignored. @throws ZodError where the item is none of this version */
export const readRun = (item: Record<string, unknown>): Run => storedRun.parse(item);

/** As `readRun`, for a chunk. */
export const readChunk = (item: Record<string, unknown>): Chunk => storedChunk.parse(item);

import * as z from 'zod';

/** Starts extract-records, transform-records and load-records: a pointer to one chunk of a run. */
export const etlChunk = z.looseObject({
  pipeline: z.string().min(1).max(64),
  runId: z.uuid(),
  chunkId: z.string().min(1).max(64),
});

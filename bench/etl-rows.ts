import { createSecretKey } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { parsePipeline } from '../shared/etl/definition/parse-pipeline.ts';
import { refuseDefinition } from '../shared/etl/definition/problem.ts';
import { tableShapeOf } from '../shared/etl/destinations/table-shape.ts';
import type { Row, SourceRecord } from '../shared/etl/record.ts';
import { readRecords } from '../shared/etl/records/read-records.ts';
import type { RecordReading } from '../shared/etl/records/reading.ts';
import { compilePlan } from '../shared/etl/transforms/plan.ts';
import { createSeenKeys } from '../shared/etl/transforms/seen-keys.ts';
import { transformBatch } from '../shared/etl/transforms/transform-batch.ts';
import { systemRandom } from '../shared/runtime/random.ts';
import { definition, materials } from './etl-workload.ts';

const gibibyte = 2 ** 30;

/** What became of the rows of the input. */
export interface Counts {
  extracted: number;
  accepted: number;
  filtered: number;
  quarantined: number;
}

/** The bench's definition made ready, with what the chain makes of it. */
export function preparePipeline() {
  const { pipeline, problems } = parsePipeline(definition);
  if (!pipeline) throw refuseDefinition('of the bench', problems);
  const plan = compilePlan(pipeline, {
    run: materials.run,
    pseudonymKey: { version: 1, key: createSecretKey(Buffer.from(materials.key)) },
    random: systemRandom,
  });
  const seen = createSeenKeys(systemRandom);
  const counts: Counts = { extracted: 0, accepted: 0, filtered: 0, quarantined: 0 };
  return {
    plan,
    shape: tableShapeOf(pipeline),
    counts,
    /** Takes a batch of records through contract and transforms and counts what becomes of it. */
    transform(records: readonly SourceRecord[]): Row[] {
      const { accepted, quarantined, filtered } = transformBatch(records, plan, seen);
      counts.extracted += records.length;
      counts.accepted += accepted.length;
      counts.filtered += filtered;
      counts.quarantined += quarantined.length;
      return accepted.map(({ row }) => row);
    },
  };
}

export type Prepared = ReturnType<typeof preparePipeline>;

/** The input as the reader of every source gives it. */
export const readInput = (input: string): AsyncGenerator<readonly RecordReading[]> =>
  readRecords({
    chunkId: 'bench',
    bytes: createReadStream(input, { highWaterMark: 1 << 18 }),
    format: { type: 'ndjson' },
    limits: { totalBytes: 16 * gibibyte },
  });

/** The input's rows as they leave the last transform, in batches. */
export async function* readTransformed(input: string, { transform }: Prepared): AsyncGenerator<Row[]> {
  for await (const readings of readInput(input)) {
    const records: SourceRecord[] = [];
    for (const reading of readings) if (reading.kind === 'record') records.push(reading.record);
    yield transform(records);
  }
}

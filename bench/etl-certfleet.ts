import { createSecretKey } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { parsePipeline } from '../shared/etl/definition/parse-pipeline.ts';
import { refuseDefinition } from '../shared/etl/definition/problem.ts';
import type { SourceRecord } from '../shared/etl/record.ts';
import { readRecords } from '../shared/etl/records/read-records.ts';
import { compilePlan } from '../shared/etl/transforms/plan.ts';
import { createSeenKeys } from '../shared/etl/transforms/seen-keys.ts';
import { transformBatch } from '../shared/etl/transforms/transform-batch.ts';
import { systemRandom } from '../shared/runtime/random.ts';
import { definition, materials } from './etl-workload.ts';

const gibibyte = 2 ** 30;

/** certfleet's part of the bench, a process of its own: NDJSON in, contract, filter, two HMACs, metadata, NDJSON out. */
async function run(input: string, output: string): Promise<void> {
  const { pipeline, problems } = parsePipeline(definition);
  if (!pipeline) throw refuseDefinition('of the bench', problems);
  const plan = compilePlan(pipeline, {
    run: materials.run,
    pseudonymKey: { version: 1, key: createSecretKey(Buffer.from(materials.key)) },
    random: systemRandom,
  });
  const seen = createSeenKeys(systemRandom);
  const file = createWriteStream(output, { highWaterMark: 1 << 20 });
  const counts = { extracted: 0, accepted: 0, filtered: 0, quarantined: 0 };
  const readings = readRecords({
    chunkId: 'bench',
    bytes: createReadStream(input, { highWaterMark: 1 << 18 }),
    format: { type: 'ndjson' },
    limits: { totalBytes: 16 * gibibyte },
  });
  for await (const batch of readings) {
    const records: SourceRecord[] = [];
    for (const reading of batch) if (reading.kind === 'record') records.push(reading.record);
    const { accepted, quarantined, filtered } = transformBatch(records, plan, seen);
    counts.extracted += batch.length;
    counts.accepted += accepted.length;
    counts.filtered += filtered;
    counts.quarantined += quarantined.length + batch.length - records.length;
    let text = '';
    for (const { row } of accepted) text += `${JSON.stringify(row)}\n`;
    if (!file.write(text)) await once(file, 'drain');
  }
  file.end();
  await finished(file);
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const usage = { maxRssBytes: maxRSS * 1_024, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 };
  process.stdout.write(`${JSON.stringify({ ...counts, ...usage })}\n`);
}

const [input = '', output = ''] = process.argv.slice(2);
await run(input, output);

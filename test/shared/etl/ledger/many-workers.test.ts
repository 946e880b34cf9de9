import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CarryOutcome, type CarryPorts, carryChunk } from '../../../../shared/etl/ledger/carry-chunk.ts';
import { createDynamoDbRunLedger } from '../../../../shared/etl/ledger/ledger.dynamodb.ts';
import { createMemoryRunLedger } from '../../../../shared/etl/ledger/ledger.memory.ts';
import type { RunLedger } from '../../../../shared/etl/ledger/ledger.ts';
import { openRun } from '../../../../shared/etl/ledger/open-run.ts';
import { fixManifest, writeChunks } from '../../../../shared/etl/ledger/plan-run.ts';
import { tendRun } from '../../../../shared/etl/ledger/tend-run.ts';
import { pipelinesTable, startPipelineTables } from '../../../contract/pipeline-tables.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { createSeededRandom } from '../../../support/seeded-random.ts';
import { aManifest, aPlan, noon, partsOf } from './builders.ts';

let tables: Awaited<ReturnType<typeof startPipelineTables>>;
beforeAll(async () => {
  tables = await startPipelineTables();
});
afterAll(() => tables.stop());

const chunkCount = 10;
const workers = 4;

it.each<[string, () => Promise<RunLedger>]>([
  ['memory', async () => createMemoryRunLedger()],
  ['DynamoDB', async () => createDynamoDbRunLedger(tables.client, await tables.createTable(pipelinesTable))],
])(
  'workers who all want every chunk at once do each stage once and end each stage once (%s)',
  async (_, make) => {
    const ledger = await make();
    const shared = { ledger, clock: createFakeClock(noon), random: createSeededRandom(4) };
    const starts = await Promise.all(Array.from({ length: 4 }, () => openRun(shared, aPlan(), 'leave')));
    expect(starts.filter(({ kind }) => kind === 'opened')).toHaveLength(1);
    const [{ run }] = starts as [(typeof starts)[0]];
    const manifest = aManifest(run.runId, chunkCount);
    const planned = await fixManifest(shared, run, { manifest, manifestKey: 'm' });
    await Promise.all([writeChunks(shared, planned, manifest), writeChunks(shared, planned, manifest)]);

    const works = new Map<string, number>();
    const outcomes: CarryOutcome[] = [];
    const live = async (worker: number) => {
      const ports: CarryPorts = { ...shared, owner: `worker ${worker}`, leaseSeconds: 60 };
      for (let round = 0; round < 4; round += 1)
        for (const { chunkId } of manifest.entries) {
          const ref = { pipeline: run.pipeline, runId: run.runId, chunkId };
          const outcome = await carryChunk(ports, ref, async ({ ordinal, stage }) => {
            works.set(`${chunkId} ${stage}`, (works.get(`${chunkId} ${stage}`) ?? 0) + 1);
            return { books: partsOf(ordinal)[stage] };
          });
          outcomes.push(outcome);
        }
      await tendRun(ports, run);
    };
    await Promise.all(Array.from({ length: workers }, (_, worker) => live(worker)));

    expect(works.size).toBe(3 * chunkCount);
    expect(new Set(works.values())).toEqual(new Set([1]));
    const entered = outcomes.flatMap((outcome) => (outcome.kind === 'finished' ? outcome.entered : []));
    expect(entered).toEqual(['transforming', 'loading', 'loaded']);
    expect((await ledger.getRun(run))?.state).toBe('loaded');
  },
);

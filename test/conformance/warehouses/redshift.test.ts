import { RedshiftDataClient } from '@aws-sdk/client-redshift-data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createRedshiftDestination,
  type RedshiftDefinition,
} from '../../../shared/etl/destinations/redshift/destination.redshift.ts';
import { createMemoryObjectStore } from '../../../shared/etl/objects/store.memory.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';
import { aTrialRow, describeDestinationContract, trialShape } from '../../contract/etl-destination.ts';
import { aFinish, aPart, aRequest } from '../../shared/etl/destinations/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { must } from './duckdb-engine.ts';
import { startFakeRedshift } from './fake-redshift.ts';
import { readTrialRows } from './trial-rows.ts';

const definition: RedshiftDefinition = {
  type: 'redshift',
  workgroup: 'reports',
  database: 'dev',
  copyRole: 'arn:aws:iam::123456789012:role/copy',
  staging: { bucket: 'staging', prefix: 'etl/' },
  schema: 'analytics',
  table: 'orders',
};

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' };

async function makeScene(changes: Partial<RedshiftDefinition> = {}) {
  const objects = createMemoryObjectStore(systemClock);
  const redshift = await startFakeRedshift(objects);
  const client = new RedshiftDataClient({ endpoint: redshift.endpoint, region: 'eu-central-1', credentials });
  const destination = createRedshiftDestination({
    definition: { ...definition, ...changes },
    client,
    objects,
    clock: createFakeClock(new Date('2026-02-01T00:00:00Z')),
  });
  const stop = async () => {
    client.destroy();
    await redshift.stop();
  };
  return { objects, redshift, destination, stop };
}

describeDestinationContract("Redshift's statements, run by DuckDB", async () => {
  const { destination, redshift, stop } = await makeScene();
  return {
    destination,
    rows: () => readTrialRows(redshift.engine, 'analytics.orders'),
    close: stop,
  };
});

describe('the Redshift destination', () => {
  let scene: Awaited<ReturnType<typeof makeScene>>;
  beforeAll(async () => {
    scene = await makeScene({
      afterLoad: [
        {
          name: 'totals',
          sql: 'CREATE TABLE analytics.totals AS SELECT COUNT(*) AS n FROM analytics.orders;',
        },
      ],
    });
  });
  afterAll(() => scene.stop());

  it('loads a chunk in one transaction that locks, copies, counts, merges and books', async () => {
    const { destination, redshift } = scene;
    await destination.load(aRequest([], { parts: [aPart([aTrialRow('1')])], shape: trialShape }));
    const batch = redshift.batches.find((sqls) => sqls.some((sql) => sql.startsWith('COPY')));
    expect(batch?.map((sql) => sql.split(' ').slice(0, 2).join(' '))).toEqual([
      'LOCK TABLE',
      'CREATE TEMP',
      'COPY etl_staged',
      'SELECT CAST(CASE',
      'SELECT CAST(CASE',
      'CREATE TEMP',
      'DELETE FROM',
      'INSERT INTO',
      'DELETE FROM',
      'DELETE FROM',
      'INSERT INTO',
      'SELECT run_id,',
    ]);
    expect(batch?.[2]).toMatch(
      /^COPY etl_staged \("id", .*_etl_row\) FROM 's3:\/\/staging\/etl\/load=a+\/run=.*\/copy\.manifest' IAM_ROLE 'arn:aws:iam::123456789012:role\/copy' FORMAT AS JSON 'auto ignorecase' MANIFEST /,
    );
  });

  it('leaves no staged row behind', async () => {
    const keys: string[] = [];
    for await (const { key } of scene.objects.listVersions('')) keys.push(key);
    expect(keys).toEqual([]);
  });

  it('runs what follows a load once per run', async () => {
    const { destination, redshift } = scene;
    const load = aFinish({ shape: trialShape });
    await destination.finish(load);
    await destination.finish(load);
    expect(await must(redshift.engine, ['SELECT n FROM analytics.totals'])).toEqual([['1']]);
    expect(await must(redshift.engine, ['SELECT name FROM analytics._etl_steps'])).toEqual([['totals']]);
  });

  it('is not finished while a chunk is missing', async () => {
    const load = aFinish({ shape: trialShape, of: 2, chunkIds: ['00000-0123456789abcdef', '00001-0'] });
    await expect(scene.destination.finish(load)).rejects.toMatchObject({ code: 'load-incomplete' });
  });
});

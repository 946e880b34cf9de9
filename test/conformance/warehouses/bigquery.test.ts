import { generateKeyPairSync } from 'node:crypto';
import {
  type BigQueryDefinition,
  createBigQueryDestination,
} from '../../../shared/etl/destinations/bigquery/destination.bigquery.ts';
import { describeDestinationContract } from '../../contract/etl-destination.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { startFakeBigQuery } from './fake-bigquery.ts';
import { readTrialRows } from './trial-rows.ts';

const definition: BigQueryDefinition = {
  type: 'bigquery',
  project: 'example-project',
  location: 'EU',
  dataset: 'analytics',
  table: 'orders',
  credentialsSecret: 'etl/bigquery',
};

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const credentials = {
  client_email: 'loader@example-project.iam.gserviceaccount.com',
  private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
};

describeDestinationContract("BigQuery's statements, run by DuckDB", async () => {
  const bigquery = await startFakeBigQuery();
  const clock = createFakeClock(new Date('2026-02-01T00:00:00Z'));
  const { peer, engine } = bigquery;
  return {
    destination: createBigQueryDestination({ definition, peer, credentials, clock }),
    rows: () => readTrialRows(engine, 'analytics.orders'),
    close: () => bigquery.stop(),
  };
});

import { generateKeyPairSync } from 'node:crypto';
import {
  createSnowflakeDestination,
  type SnowflakeDefinition,
} from '../../../shared/etl/destinations/snowflake/destination.snowflake.ts';
import { createMemoryObjectStore } from '../../../shared/etl/objects/store.memory.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';
import { describeDestinationContract } from '../../contract/etl-destination.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { startFakeSnowflake } from './fake-snowflake.ts';
import { readTrialRows } from './trial-rows.ts';

const definition: SnowflakeDefinition = {
  type: 'snowflake',
  account: 'example',
  user: 'loader',
  keySecret: 'etl/snowflake',
  warehouse: 'LOADING',
  database: 'ANALYTICS',
  schema: 'PUBLIC',
  table: 'orders',
  stage: 'STAGED',
  staging: { bucket: 'staging', prefix: 'etl/' },
};

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

describeDestinationContract("Snowflake's statements, run by DuckDB", async () => {
  const objects = createMemoryObjectStore(systemClock);
  const snowflake = await startFakeSnowflake(objects, definition.staging.prefix);
  const clock = createFakeClock(new Date('2026-02-01T00:00:00Z'));
  const { peer, engine } = snowflake;
  return {
    destination: createSnowflakeDestination({ definition, peer, privateKeyPem, objects, clock }),
    rows: () => readTrialRows(engine, '"PUBLIC"."orders"'),
    close: () => snowflake.stop(),
  };
});

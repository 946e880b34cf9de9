import { expect, it } from 'vitest';
import { listEnds } from '../../../../shared/etl/gate/pipeline-ends.ts';
import { aPipeline } from '../transforms/pipelines.ts';
import { anHttpsSource } from './gate-scene.ts';

const placesOf = (definition: Record<string, unknown>) =>
  listEnds(aPipeline(definition)).map(({ role, host, port }) => `${role} ${host}:${port}`);
const staging = { bucket: 'staging-data' };

it('an HTTPS source is where its URL says, and an address stands without brackets', () => {
  expect(placesOf({ source: anHttpsSource('API.example.com:8443', { caSecret: 'roots' }) })).toEqual([
    'source api.example.com:8443',
  ]);
  expect(placesOf({ source: anHttpsSource('[2001:db8::1]', { caSecret: 'roots' }) })).toEqual([
    'source 2001:db8::1:443',
  ]);
});

it('the issuer of tokens knows the same client by the same roots as the API', () => {
  const auth = {
    type: 'oauth-client-credentials',
    tokenUrl: 'https://login.example.com/token',
    clientId: 'etl',
    secret: 'etl/token',
  };
  const source = anHttpsSource('api.example.com', { auth, clientCertificate: 'etl.example.com' });
  const [api, token] = listEnds(aPipeline({ source }));
  expect(token).toEqual({ ...api, role: 'token', host: 'login.example.com' });
});

it('warehouses have ends of their own unless the AWS SDK goes there', () => {
  const destinations = [
    {
      type: 'redshift',
      workgroup: 'analytics',
      database: 'dev',
      copyRole: 'arn:aws:iam::123456789012:role/copy',
      staging,
      table: 'people',
    },
    {
      type: 'bigquery',
      project: 'example-project',
      location: 'EU',
      dataset: 'shop',
      table: 'people',
      credentialsSecret: 'etl/bigquery',
    },
    {
      type: 'snowflake',
      account: 'MyOrg-My_Account',
      user: 'ETL',
      keySecret: 'etl/snowflake',
      warehouse: 'WH',
      database: 'DB',
      schema: 'PUBLIC',
      table: 'people',
      stage: 'STAGED',
      staging,
    },
  ];
  expect(placesOf({ destinations })).toEqual([
    'destination/1 bigquery.googleapis.com:443',
    'destination/2 myorg-my-account.snowflakecomputing.com:443',
  ]);
});

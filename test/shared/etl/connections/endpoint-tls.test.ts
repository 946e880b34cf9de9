import { KMSClient } from '@aws-sdk/client-kms';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { RedshiftDataClient } from '@aws-sdk/client-redshift-data';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from 'vitest';
import { createKmsDataKeys } from '../../../../shared/etl/cells/data-keys.kms.ts';
import { createS3Catalogue } from '../../../../shared/etl/chain/catalogue.s3.ts';
import { createLambdaInvoker } from '../../../../shared/etl/chain/invoker.aws.ts';
import { endpointTlsFailure } from '../../../../shared/etl/connections/endpoint-tls.ts';
import { RedshiftStatements } from '../../../../shared/etl/destinations/redshift/statements.redshift.ts';
import { createS3ObjectStore } from '../../../../shared/etl/objects/store.s3.ts';
import { systemClock } from '../../../../shared/runtime/clock.ts';
import { startTlsPeer, type TlsPeerKind } from '../../../support/tls-peers.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** What any client of the SDK needs to talk to a peer whose root it trusts. */
async function optionsFor(kind: TlsPeerKind) {
  const leaf = kind === 'wrong-host' ? {} : { addresses: ['127.0.0.1'] };
  const { port, roots: ca, stop } = await startTlsPeer(kind, { leaf });
  stops.push(stop);
  return {
    endpoint: `https://127.0.0.1:${port}`,
    region: 'eu-west-1',
    maxAttempts: 4,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: { httpsAgent: { ca }, connectionTimeout: 2000 },
  };
}
type Options = Awaited<ReturnType<typeof optionsFor>>;

const signal = new AbortController().signal;

/** One row per client whose every call may fail so. */
const calls: Readonly<Record<string, (options: Options) => readonly Promise<unknown>[]>> = {
  S3: (options) => {
    const client = new S3Client(options);
    const store = createS3ObjectStore(client, 'parts');
    const catalogue = createS3Catalogue(client, 'pipelines');
    const upload = { key: 'a', body: Buffer.from('hello') };
    return [
      store.create(upload),
      store.replace(upload, '"0"'),
      store.head('a'),
      store.read('a'),
      store.deleteVersion('a', 'v'),
      Array.fromAsync(store.listVersions('')),
      catalogue.list(),
      catalogue.read('orders'),
    ];
  },
  'the Redshift Data API': (options) => [
    new RedshiftStatements({
      client: new RedshiftDataClient(options),
      place: { workgroup: 'dwh', database: 'dwh' },
      clock: systemClock,
      limitMillis: 5000,
    }).run({ statements: ['SELECT 1'], signal }),
  ],
  KMS: (options) => {
    const keys = createKmsDataKeys(new KMSClient(options), 'alias/cells');
    const purpose = { pipeline: 'orders', table: 'orders', runId: 'run-1' };
    return [keys.generate(purpose), keys.open({ keyId: 'k', wrapped: 'd3JhcHBlZA==', purpose })];
  },
  Lambda: (options) => [
    createLambdaInvoker(new LambdaClient(options), 'certfleet').report({
      pipeline: 'orders',
      scopeKey: 'window/…',
      runId: 'run-1',
    }),
  ],
};

describe.each(Object.entries(calls))('an endpoint of %s', (_, call) => {
  it.each([
    ['expired', 'certificate-expired'],
    ['not-yet-valid', 'certificate-not-yet-valid'],
    ['wrong-host', 'certificate-wrong-host'],
    ['self-signed', 'certificate-self-signed'],
    ['untrusted-root', 'certificate-untrusted'],
    ['weak-key', 'certificate-weak-key'],
    ['tls11', 'tls-too-old'],
    ['client-required', 'client-certificate-required'],
  ] as const)('whose TLS is %s is refused as %s, for good', async (kind, code) => {
    const settled = await Promise.allSettled(call(await optionsFor(kind)));
    for (const each of settled)
      expect(each).toMatchObject({ status: 'rejected', reason: { code, disposition: 'give-up' } });
  });
});

describe('an endpoint', () => {
  it('that is as it should be is talked to', async () => {
    const store = createS3ObjectStore(new S3Client(await optionsFor('good')), 'parts');
    expect(await store.head('a')).toMatchObject({ key: 'a' });
  });

  it('that is away is left to whoever asks again', () => {
    const away = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(endpointTlsFailure(away, 'the endpoint')).toBeUndefined();
    expect(endpointTlsFailure(new Error('anything else'), 'the endpoint')).toBeUndefined();
  });
});

import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { vi } from 'vitest';
import type { LocalStack } from '../../local/stack.ts';
import { createDynamoDbAuditLog } from '../../shared/audit/log.dynamodb.ts';
import { createKmsDataKeys } from '../../shared/etl/cells/data-keys.kms.ts';
import type { RequestedRun } from '../../shared/etl/chain/request-runs.ts';
import { createDynamoDbKeyShelf } from '../../shared/etl/keys/key-shelf.dynamodb.ts';
import { createRunKeys } from '../../shared/etl/keys/run-keys.ts';
import type { Run } from '../../shared/etl/ledger/run.ts';
import type { ObjectStore, ObjectVersion } from '../../shared/etl/objects/object-store.ts';
import { createS3ObjectStore } from '../../shared/etl/objects/store.s3.ts';
import { scopeKey } from '../../shared/etl/run/scope.ts';
import type { Window } from '../../shared/etl/run/window.ts';

type Definition = Readonly<Record<string, unknown>>;
export type ListedVersion = ObjectVersion & { readonly latest: boolean; readonly deleted: boolean };

const prefix = 'certfleet-dev';
const distantFuture = new Date('9999-12-31T00:00:00Z');

/** A stack's pipelines as their users see them, and what they leave in tables and buckets. */
export function openEtlFlow(stack: LocalStack) {
  const { aws, stores } = stack;
  const settings = {
    region: aws.environment.AWS_REGION ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
  const at = (service: string) => ({
    ...settings,
    endpoint: aws.environment[`AWS_ENDPOINT_URL_${service}`] ?? '',
  });
  const s3 = new S3Client({ ...at('S3'), forcePathStyle: true });
  const kms = new KMSClient(at('KMS'));
  const secrets = new SecretsManagerClient(at('SECRETS_MANAGER'));
  const dynamoDb = DynamoDBDocumentClient.from(new DynamoDBClient(at('DYNAMODB')), {
    marshallOptions: { removeUndefinedValues: true },
  });
  const account = aws.functions[0]?.arn.split(':')[4] ?? '';
  const bucketNames = {
    catalogue: `${prefix}-pipelines-${account}`,
    work: `${prefix}-etl-work-${account}`,
    quarantine: `${prefix}-etl-quarantine-${account}`,
    records: `${prefix}-etl-records-${account}`,
    analytics: `${prefix}-analytics-${account}`,
  };
  const bucket = (name: string): ObjectStore => createS3ObjectStore(s3, name);
  const buckets = {
    catalogue: bucket(bucketNames.catalogue),
    work: bucket(bucketNames.work),
    quarantine: bucket(bucketNames.quarantine),
    records: bucket(bucketNames.records),
    analytics: bucket(bucketNames.analytics),
  };
  const keys = createRunKeys({
    shelf: createDynamoDbKeyShelf(dynamoDb, `${prefix}-pipelines`),
    masters: {
      cells: createKmsDataKeys(kms, `alias/${prefix}-etl-data`),
      quarantine: createKmsDataKeys(kms, `alias/${prefix}-etl-quarantine`),
    },
  });
  const call = (name: string, event: object) => aws.lambda.call(name, event);
  const tick = () => call('start-etl', { trigger: 'schedule' });
  const start = async (event: object) => (await call('start-etl', event)) as RequestedRun[];

  async function tableItems(TableName: string): Promise<readonly Record<string, unknown>[]> {
    return (await dynamoDb.send(new ScanCommand({ TableName, ConsistentRead: true }))).Items ?? [];
  }

  return {
    kms,
    keys,
    buckets,
    bucketNames,
    call,
    tick,
    start,
    audit: createDynamoDbAuditLog(dynamoDb, `${prefix}-audit`),
    slotOf: (pipeline: string, window: Window) => ({
      pipeline,
      scopeKey: scopeKey({ kind: 'window', ...window }),
    }),
    async define(definition: Definition) {
      const Key = `pipelines/${definition.name}.json`;
      const Body = JSON.stringify(definition);
      await s3.send(new PutObjectCommand({ Bucket: bucketNames.catalogue, Key, Body }));
    },
    async createBucket(name: string): Promise<ObjectStore> {
      await s3.send(new CreateBucketCommand({ Bucket: name }));
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }));
      return bucket(name);
    },
    async secret(name: string): Promise<object> {
      const SecretId = `certfleet/dev/${name}`;
      return JSON.parse((await secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString ?? 'null');
    },
    /** The run once it has come to where nothing goes on by itself soon. */
    settled: (slot: { pipeline: string; scopeKey: string }, wanted?: Run['state']): Promise<Run> =>
      vi.waitFor(
        async () => {
          const run = await stores.ledger.getRun(slot);
          const rests = run?.state === 'failed' && run.nextActionAt === undefined;
          const ended = run?.state === 'reported' || run?.state === 'held' || rests;
          if (run && ended && (wanted === undefined || run.state === wanted)) return run;
          throw new Error(`the run is ${run?.state} (${run?.failure?.code}), not ${wanted ?? 'settled'}`);
        },
        { timeout: 60_000, interval: 150 },
      ),
    /** Makes due at once whatever a pipeline waits for, as if its time had come. */
    async hurry(pipeline: string) {
      const due = await stores.ledger.findDue({ pipeline, until: distantFuture, limit: 100 });
      for (const work of due) await stores.ledger.postpone(work, new Date(0));
    },
    versions: (store: ObjectStore, under = ''): Promise<ListedVersion[]> =>
      Array.fromAsync(store.listVersions(under)),
    async bytes(store: ObjectStore, key: string): Promise<Buffer> {
      const found = await store.read(key);
      if (!found) throw new Error(`there is no ${key}`);
      return Buffer.concat(await Array.fromAsync(found.bytes));
    },
    /** Every item of every table and every version of every bucket, to be compared. */
    async snapshot(): Promise<object> {
      const { TableNames = [] } = await dynamoDb.send(new ListTablesCommand({}));
      const tables = await Promise.all(
        TableNames.map(async (name) => [
          name,
          (await tableItems(name)).map((item) => JSON.stringify(item)).sort(),
        ]),
      );
      const objects = await Promise.all(
        Object.entries(buckets).map(async ([name, store]) => [
          name,
          (await Array.fromAsync(store.listVersions(''))).map(({ key, versionId }) => `${key} ${versionId}`),
        ]),
      );
      return { tables: Object.fromEntries(tables), objects: Object.fromEntries(objects) };
    },
    stop() {
      s3.destroy();
      kms.destroy();
      secrets.destroy();
      dynamoDb.destroy();
    },
  };
}

export type EtlFlow = ReturnType<typeof openEtlFlow>;

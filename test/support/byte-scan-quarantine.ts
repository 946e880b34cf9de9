import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createKmsDataKeys } from '../../shared/etl/cells/data-keys.kms.ts';
import { readPart } from '../../shared/etl/chain/parts.ts';
import { runOfQuarantined } from '../../shared/etl/chain/quarantine-lines.ts';
import { quarantineShelf } from '../../shared/etl/chain/shelves.ts';
import { createDynamoDbKeyShelf } from '../../shared/etl/keys/key-shelf.dynamodb.ts';
import { createRunKeys } from '../../shared/etl/keys/run-keys.ts';
import { createS3ObjectStore } from '../../shared/etl/objects/store.s3.ts';
import { systemRandom as random } from '../../shared/runtime/random.ts';
import { type Evidence, textEvidence } from './byte-scan-evidence.ts';
import type { ScannedWorld } from './byte-scan-world.ts';

/** What was set aside, opened: the reasons, which are to hold no value, and the records, which are made of them. */
export async function openQuarantine(
  { aws, s3, settingOf }: ScannedWorld,
  dynamodb: DynamoDBClient,
): Promise<{ reasons: Evidence[]; records: Evidence[] }> {
  const kms = new KMSClient({
    endpoint: aws.environment.AWS_ENDPOINT_URL_KMS ?? '',
    region: aws.environment.AWS_REGION ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const quarantine = createS3ObjectStore(s3, settingOf('transform-records', 'ETL_QUARANTINE_BUCKET'));
  const masterOf = (variable: string) => createKmsDataKeys(kms, settingOf('transform-records', variable));
  const keys = createRunKeys({
    shelf: createDynamoDbKeyShelf(
      DynamoDBDocumentClient.from(dynamodb),
      settingOf('transform-records', 'PIPELINES_TABLE'),
    ),
    masters: { cells: masterOf('ETL_DATA_KEY'), quarantine: masterOf('ETL_QUARANTINE_KEY') },
  });
  const buckets = { work: quarantine, quarantine, records: quarantine };
  const opened: { reasons: Evidence[]; records: Evidence[] } = { reasons: [], records: [] };
  try {
    for await (const { key, versionId } of quarantine.listVersions('')) {
      const run = { pipeline: key.split('/')[0] ?? '', runId: runOfQuarantined(key) };
      const shelf = await quarantineShelf({ keys, buckets, random }, run);
      const text = Buffer.from(await readPart(shelf, { key, versionId, lines: 0, digest: '' })).toString();
      for (const line of text.trimEnd().split('\n')) {
        const { q, r } = JSON.parse(line) as { q: unknown; r?: unknown };
        opened.reasons.push(textEvidence('reasons', q));
        opened.records.push(textEvidence('records', r ?? null));
      }
    }
    return opened;
  } finally {
    kms.destroy();
  }
}

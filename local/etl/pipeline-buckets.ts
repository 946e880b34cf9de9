import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { readReport } from '../../shared/etl/chain/kept-reports.ts';
import { workKeys } from '../../shared/etl/chain/work-objects.ts';
import type { Run } from '../../shared/etl/ledger/run.ts';
import { createS3ObjectStore } from '../../shared/etl/objects/store.s3.ts';
import type { EtlSummary } from '../../shared/etl/report/etl-summary.ts';
import type { LocalStack } from '../stack.ts';
import type { PipelineWorld } from './pipeline-world.ts';

/** The functions' buckets, as a person with a shell uses them. */
export interface PipelineBuckets {
  /** Puts the definition where start-etl looks for it. */
  define(world: Pick<PipelineWorld, 'pipeline' | 'definition'>): Promise<void>;
  /** Whether a failed run has lost what it needs to go on. */
  hasExpired(run: Run): Promise<boolean>;
  /** The newest report of a run. */
  readReport(run: Run): Promise<EtlSummary | undefined>;
  close(): void;
}

export function openPipelineBuckets({ aws }: Pick<LocalStack, 'aws'>): PipelineBuckets {
  const s3 = new S3Client({
    endpoint: aws.environment.AWS_ENDPOINT_URL_S3 ?? '',
    region: aws.environment.AWS_REGION ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    forcePathStyle: true,
  });
  const bucketOf = (functionName: string, variable: string): string => {
    const plan = aws.functions.find(({ bundle }) => bundle === functionName);
    return (plan?.environment[variable] ?? '').replace('{account}', plan?.arn.split(':')[4] ?? '');
  };
  const records = createS3ObjectStore(s3, bucketOf('report-etl', 'ETL_RECORDS_BUCKET'));
  const work = createS3ObjectStore(s3, bucketOf('start-etl', 'ETL_WORK_BUCKET'));
  return {
    async define({ pipeline, definition }) {
      await s3.send(
        new PutObjectCommand({
          Bucket: bucketOf('start-etl', 'ETL_CATALOGUE_BUCKET'),
          Key: `pipelines/${pipeline.name}.json`,
          Body: JSON.stringify(definition),
          ContentType: 'application/json',
        }),
      );
    },
    async hasExpired(run) {
      if (run.state !== 'failed' || run.failedIn === 'loaded') return false;
      return (await work.head(workKeys.expired(run))) !== undefined;
    },
    readReport: (run) => readReport(records, run),
    close: () => s3.destroy(),
  };
}

import { z } from 'zod';
import { plainName, secretName, sqlName } from './names.ts';
import { postgresqlTable } from './postgresql-table.ts';

const bucket = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, { message: 'is a bucket name' });
const kmsKey = z
  .string()
  .regex(/^(arn:aws[a-z-]*:kms:|alias\/|[0-9a-f]{8}-)/, { message: 'names a KMS key' });
const roleArn = z
  .string()
  .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/, { message: 'is the ARN of a role' });

/** Run one after the other in the destination, once a load is committed. */
const afterLoad = z
  .array(z.strictObject({ name: plainName, sql: z.string().min(1).max(20_000) }))
  .max(50)
  .optional();

/** Where a warehouse reads the staged files from. */
const staging = z.strictObject({ bucket, prefix: z.string().max(1_024).default('') });

export const destinationSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('s3'),
    bucket: bucket.optional().describe("The stack's own bucket for analytics when absent"),
    prefix: z.string().max(1_024).default(''),
    table: sqlName.describe('Names the data set; part of what every encrypted cell is bound to'),
    format: z.enum(['ndjson', 'parquet']).default('parquet'),
    kmsKey: kmsKey.optional(),
  }),
  z.strictObject({
    ...postgresqlTable,
    afterLoad,
  }),
  z.strictObject({
    type: z.literal('redshift'),
    workgroup: z.string().min(3).max(64).optional(),
    cluster: z.string().min(1).max(63).optional(),
    database: sqlName,
    secretArn: z.string().startsWith('arn:').optional(),
    copyRole: roleArn,
    staging,
    schema: sqlName.default('public'),
    table: sqlName,
    afterLoad,
  }),
  z.strictObject({
    type: z.literal('bigquery'),
    project: z.string().regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, { message: 'is a project id' }),
    location: z.string().min(2).max(40),
    dataset: sqlName,
    table: sqlName,
    credentialsSecret: secretName,
    afterLoad,
  }),
  z.strictObject({
    type: z.literal('snowflake'),
    account: z.string().regex(/^[A-Za-z0-9_.-]{1,255}$/, { message: 'is an account identifier' }),
    user: z.string().min(1).max(255),
    keySecret: secretName.describe('The private key that signs the JWT'),
    warehouse: sqlName,
    database: sqlName,
    schema: sqlName,
    table: sqlName,
    stage: sqlName.describe('The external stage over the staged files'),
    staging,
    afterLoad,
  }),
]);

export type PipelineDestination = z.output<typeof destinationSchema>;

import type { KMSClient } from '@aws-sdk/client-kms';
import * as z from 'zod';
import { createSecretsManagerKeyVault } from '../../certificates/vault.secrets-manager.ts';
import { systemClock as clock } from '../../runtime/clock.ts';
import { type Environment, parseConfig } from '../../runtime/config.ts';
import { createDynamoDb } from '../../runtime/dynamodb.ts';
import type { Invocation } from '../../runtime/handler.ts';
import { createKms } from '../../runtime/kms.ts';
import { systemRandom as random } from '../../runtime/random.ts';
import { createSecretStore, createSecretsManager, type SecretStore } from '../../runtime/secrets.ts';
import { createKmsDataKeys } from '../cells/data-keys.kms.ts';
import { parseConnectTo } from '../connections/connect-to.ts';
import { recordConnections } from '../connections/tls-recorder.socket.ts';
import { createFetchRevocationList } from '../gate/fetch-list.https.ts';
import { createGate } from '../gate/gate.aws.ts';
import { createRevocation } from '../gate/revocation.ts';
import { probeUnrecorded } from '../gate/unrecorded-probe.ts';
import { createVaultClientCertificates } from '../gate/vault-client-certificates.ts';
import { createDynamoDbKeyShelf } from '../keys/key-shelf.dynamodb.ts';
import { readPseudonymKey } from '../keys/pseudonym-key.secrets-manager.ts';
import { createRunKeys } from '../keys/run-keys.ts';
import { createDynamoDbRunLedger } from '../ledger/ledger.dynamodb.ts';
import { createS3, createS3ObjectStore } from '../objects/store.s3.ts';
import { createAwsEnds } from './ends.aws.ts';
import { createLambda, createLambdaInvoker } from './invoker.aws.ts';
import type { ChainPorts, Worker } from './ports.ts';

const settings = z.object({
  PIPELINES_TABLE: z.string(),
  ETL_WORK_BUCKET: z.string(),
  ETL_QUARANTINE_BUCKET: z.string(),
  ETL_RECORDS_BUCKET: z.string().default('none'),
  ETL_ANALYTICS_BUCKET: z.string(),
  ETL_DATA_KEY: z.string(),
  ETL_QUARANTINE_KEY: z.string(),
  ETL_FUNCTIONS: z.string(),
  ETL_CONNECT_TO: z.string().default(''),
  SECRETS_PREFIX: z.string(),
  /** Node's own switch, which the clients of the SDK follow. */
  NODE_TLS_REJECT_UNAUTHORIZED: z
    .string()
    .optional()
    .refine((value) => value !== '0', { error: 'must not be 0, or nobody that is connected to is proven' }),
});

/** What a function of the chain is made of beside the chain itself. */
export interface AwsChain {
  readonly ports: ChainPorts;
  readonly dynamoDb: ReturnType<typeof createDynamoDb>;
  readonly s3: ReturnType<typeof createS3>;
  readonly kms: KMSClient;
  readonly secrets: SecretStore;
  /** The name of a bucket whose pattern leaves the account open. */
  bucketName(pattern: string): string;
}

/** The chain over AWS. @throws Failure `invalid-configuration` */
export function createAwsChain(env: Environment, { account }: { account: string }): AwsChain {
  const config = parseConfig(settings, env);
  const connectTo = parseConnectTo(config.ETL_CONNECT_TO);
  // Who is reached elsewhere than by its name is so on one machine, whose lists are there too.
  const localAddresses = connectTo.size > 0 ? 'allowed' : 'refused';
  // Before any client is made, so that none of its connections is missed.
  const recorder = recordConnections();
  const [dynamoDb, s3, kms] = [createDynamoDb(), createS3(), createKms()];
  const secrets = createSecretStore(createSecretsManager());
  const secretsPrefix = config.SECRETS_PREFIX;
  const bucketName = (pattern: string) => pattern.replace('{account}', account);
  const bucket = (pattern: string) => createS3ObjectStore(s3, bucketName(pattern));
  const vault = createSecretsManagerKeyVault(secrets, secretsPrefix);
  const analyticsBucket = bucketName(config.ETL_ANALYTICS_BUCKET);
  const ports: ChainPorts = {
    clock,
    random,
    ledger: createDynamoDbRunLedger(dynamoDb, config.PIPELINES_TABLE),
    buckets: {
      work: bucket(config.ETL_WORK_BUCKET),
      quarantine: bucket(config.ETL_QUARANTINE_BUCKET),
      records: bucket(config.ETL_RECORDS_BUCKET),
    },
    keys: createRunKeys({
      shelf: createDynamoDbKeyShelf(dynamoDb, config.PIPELINES_TABLE),
      masters: {
        cells: createKmsDataKeys(kms, config.ETL_DATA_KEY),
        quarantine: createKmsDataKeys(kms, config.ETL_QUARANTINE_KEY),
      },
    }),
    pseudonymKey: () => readPseudonymKey(secrets, `${secretsPrefix}/etl/pseudonym-key`, random),
    gate: createGate({
      clientCertificates: createVaultClientCertificates(vault),
      secrets,
      secretsPrefix,
      probe: probeUnrecorded,
      revocation: createRevocation({ fetchList: createFetchRevocationList({ localAddresses }) }),
      connectTo,
    }),
    recorder,
    ends: createAwsEnds({ s3, secrets, secretsPrefix, analyticsBucket, clock, random }),
    invoker: createLambdaInvoker(createLambda(), config.ETL_FUNCTIONS),
  };
  return { ports, dynamoDb, s3, kms, secrets, bucketName };
}

/** An invocation as a worker of the chain: its lease outlives it a little. */
export const workerOf = ({ id, deadline }: Invocation): Worker => ({
  owner: id,
  deadline,
  leaseSeconds: Math.ceil(deadline.remainingMillis() / 1000) + 30,
});

/** The account a function runs in; `sls invoke local` gives no ARN. */
export const accountOf = ({ invokedFunctionArn }: { invokedFunctionArn?: string | undefined }): string =>
  invokedFunctionArn?.split(':')[4] ?? '';

import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createDynamoDbCertificateStore } from '../shared/certificates/store.dynamodb.ts';
import type { CertificateStore } from '../shared/certificates/store.ts';
import { createSecretsManagerKeyVault } from '../shared/certificates/vault.secrets-manager.ts';
import type { KeyVault } from '../shared/certificates/vault.ts';
import { createDynamoDbAnswerStore } from '../shared/challenges/answers.dynamodb.ts';
import type { AnswerStore } from '../shared/challenges/answers.ts';
import { createDynamoDbRunLedger } from '../shared/etl/ledger/ledger.dynamodb.ts';
import type { RunLedger } from '../shared/etl/ledger/ledger.ts';
import { createDynamoDbRenewalStore } from '../shared/renewal/store.dynamodb.ts';
import type { RenewalStore } from '../shared/renewal/store.ts';
import { createDynamoDbRunStore } from '../shared/report/runs.dynamodb.ts';
import type { RunStore } from '../shared/report/runs.ts';
import { createSecretStore } from '../shared/runtime/secrets.ts';

/** The functions' state, as the process that runs the stack reads it. */
export interface Stores {
  readonly certificates: CertificateStore;
  readonly renewals: RenewalStore;
  readonly runs: RunStore;
  readonly answers: AnswerStore;
  readonly vault: KeyVault;
  readonly ledger: RunLedger;
  /** Writes a secret a person would have put there. */
  putSecret(name: string, value: object): Promise<void>;
}

export function openStores(
  environment: Readonly<Record<string, string>>,
  names: { service: string; secretsPrefix: string },
): Stores {
  const settings = {
    region: environment.AWS_REGION ?? 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
  const endpointOf = (service: string) => ({ endpoint: environment[`AWS_ENDPOINT_URL_${service}`] ?? '' });
  const dynamoDb = DynamoDBDocumentClient.from(
    new DynamoDBClient({ ...settings, ...endpointOf('DYNAMODB') }),
    {
      marshallOptions: { removeUndefinedValues: true },
    },
  );
  const secrets = createSecretStore(
    new SecretsManagerClient({ ...settings, ...endpointOf('SECRETS_MANAGER') }),
  );
  return {
    certificates: createDynamoDbCertificateStore(dynamoDb, `${names.service}-certificates`),
    renewals: createDynamoDbRenewalStore(dynamoDb, `${names.service}-renewals`),
    runs: createDynamoDbRunStore(dynamoDb, `${names.service}-runs`),
    answers: createDynamoDbAnswerStore(dynamoDb, `${names.service}-challenges`),
    vault: createSecretsManagerKeyVault(secrets, names.secretsPrefix),
    ledger: createDynamoDbRunLedger(dynamoDb, `${names.service}-pipelines`),
    async putSecret(name, value) {
      const secret = {
        name: `${names.secretsPrefix}/${name}`,
        versionId: randomBytes(16).toString('hex'),
        value,
      };
      if ((await secrets.create(secret)) === 'exists')
        await secrets.put({ ...secret, stages: ['AWSCURRENT'] });
    },
  };
}

import { startDynamoDb } from '../../local/aws/dynamodb.ts';
import { clientSettings, environmentFor } from '../../local/aws/function-environment.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager.ts';
import { synthesizeTemplate } from '../../local/aws/synthesize.ts';
import { createTables } from '../../local/aws/tables.ts';
import { readTemplate } from '../../local/aws/template.ts';
import { openStores, type Stores } from '../../local/stores.ts';

export interface EmbeddedCloud {
  /** The environment that renew-certificate has, for a process of its own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stores: Stores;
  stop(): Promise<void>;
}

const region = 'eu-west-1';
const nowhere = 'http://127.0.0.1:1';

/** DynamoDB and Secrets Manager in this process, with the tables of serverless.yml. */
export async function startEmbeddedCloud(): Promise<EmbeddedCloud> {
  const plan = readTemplate(await synthesizeTemplate({ stage: 'dev' }), { region, sqsEndpoint: nowhere });
  const dynamodb = await startDynamoDb({});
  const secretsManager = await startSecretsManager({ region });
  await createTables(plan.tables, { ...clientSettings(region), endpoint: dynamodb.endpoint });
  const endpoints = {
    dynamodb: dynamodb.endpoint,
    secretsManager: secretsManager.endpoint,
    messaging: nowhere,
    s3: nowhere,
    kms: nowhere,
    lambda: nowhere,
  };
  const environment = {
    ...plan.functions.find(({ bundle }) => bundle === 'renew-certificate')?.environment,
    ...environmentFor(region, endpoints),
  };
  const { CERTIFICATES_TABLE = '', SECRETS_PREFIX = '' } = environment as Record<string, string>;
  return {
    environment,
    stores: openStores(environment, {
      service: CERTIFICATES_TABLE.replace(/-certificates$/, ''),
      secretsPrefix: SECRETS_PREFIX,
    }),
    async stop() {
      await Promise.all([dynamodb.stop(), secretsManager.stop()]);
    },
  };
}

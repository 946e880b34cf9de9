import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDynamoDb } from '../local/aws/dynamodb.ts';
import { clientSettings, environmentFor } from '../local/aws/function-environment.ts';
import { startSecretsManager } from '../local/aws/secrets-manager.ts';
import { synthesizeTemplate } from '../local/aws/synthesize.ts';
import { createTables } from '../local/aws/tables.ts';
import { readTemplate } from '../local/aws/template.ts';

/**
 * A process of its own for the embedded DynamoDB and Secrets Manager, kept on disk as with --data-dir unless it is
 * to be forgetful. Sends the environment renew-certificate would have, and ends with its parent.
 */
const region = 'eu-west-1';
const nowhere = 'http://127.0.0.1:1';
const forgetful = process.argv.includes('--forgetful');
const directory = await mkdtemp(join(tmpdir(), 'certfleet-bench-cloud-'));
// Ctrl-C reaches the whole group; the parent ends this process when nobody needs it any more.
process.on('SIGINT', () => undefined);
process.on('disconnect', async () => {
  await rm(directory, { recursive: true, force: true });
  process.exit();
});
const place = (name: string) => (forgetful ? undefined : join(directory, name));
const plan = readTemplate(await synthesizeTemplate({ stage: 'dev' }), { region, sqsEndpoint: nowhere });
const dynamodb = await startDynamoDb({ directory: place('dynamodb') });
const secretsManager = await startSecretsManager({ directory: place('secrets'), region });
await createTables(plan.tables, { ...clientSettings(region), endpoint: dynamodb.endpoint });
process.send?.({
  ...plan.functions.find(({ bundle }) => bundle === 'renew-certificate')?.environment,
  ...environmentFor(region, {
    dynamodb: dynamodb.endpoint,
    secretsManager: secretsManager.endpoint,
    messaging: nowhere,
    s3: nowhere,
    kms: nowhere,
    lambda: nowhere,
  }),
});

import { KMSClient } from '@aws-sdk/client-kms';
import { clientSettings } from '../../local/aws/function-environment.ts';
import { startKms } from '../../local/aws/kms/service.ts';

const region = 'eu-west-1';
const aKey = (keyId: string, spec: 'SYMMETRIC_DEFAULT' | 'ECC_NIST_P256' = 'SYMMETRIC_DEFAULT') => ({
  keyId,
  arn: `arn:aws:kms:${region}:000000000000:key/${keyId}`,
  spec,
  description: '',
  enabled: true,
});

/** An embedded KMS with the keys `alias/cells`, `alias/quarantine` and, of P-256, `alias/records`. */
export async function startEmbeddedKms() {
  const plan = {
    keys: [aKey('cells-key'), aKey('quarantine-key'), aKey('records-key', 'ECC_NIST_P256')],
    keyAliases: ['cells', 'quarantine', 'records'].map((name) => ({
      name: `alias/${name}`,
      keyId: `${name}-key`,
    })),
  };
  const service = await startKms(plan, { region });
  const client = new KMSClient({ ...clientSettings(region), endpoint: service.endpoint, maxAttempts: 1 });
  return {
    client,
    async stop() {
      client.destroy();
      await service.stop();
    },
  };
}

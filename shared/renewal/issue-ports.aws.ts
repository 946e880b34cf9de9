import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { CertificateStore } from '../certificates/store.ts';
import { createSecretsManagerKeyVault } from '../certificates/vault.secrets-manager.ts';
import { createAwsPresenters } from '../challenges/presenters.aws.ts';
import { createLimiter } from '../limits/limiter.ts';
import type { Clock } from '../runtime/clock.ts';
import { type Environment, parseConfig } from '../runtime/config.ts';
import type { SecretStore } from '../runtime/secrets.ts';
import { shareSuccess } from '../runtime/share-success.ts';
import { openAwsAccounts } from './accounts.aws.ts';
import { readAwsAuthorities } from './authorities.aws.ts';
import { createDynamoDbCircuitStore } from './circuit.dynamodb.ts';
import { createPatience } from './patience.ts';
import type { IssuePorts } from './steps/issue-step.ts';

const settings = z.object({ SECRETS_PREFIX: z.string(), RATE_LIMITS_TABLE: z.string() });

/**
 * What renew-certificate stands on beside the runner's own ports, from the environment serverless.yml gives it.
 * @throws Failure `invalid-configuration`, `unknown-authority`
 */
export function createAwsIssuePorts(
  env: Environment,
  given: {
    readonly dynamoDb: DynamoDBDocumentClient;
    readonly secrets: SecretStore;
    readonly certificates: CertificateStore;
    readonly clock: Clock;
  },
): IssuePorts {
  const { SECRETS_PREFIX, RATE_LIMITS_TABLE } = parseConfig(settings, env);
  const { dynamoDb, secrets, certificates, clock } = given;
  const authorities = readAwsAuthorities(env, dynamoDb);
  const { buckets: store, limitsFor } = authorities;
  return {
    authorities: openAwsAccounts(env, authorities, secrets),
    circuits: createDynamoDbCircuitStore(dynamoDb, RATE_LIMITS_TABLE, clock),
    limiter: createLimiter({ store, limitsFor, clock }),
    patience: createPatience(),
    certificates,
    vault: createSecretsManagerKeyVault(secrets, SECRETS_PREFIX),
    presenters: shareSuccess(() => createAwsPresenters(env, { secrets, clock })),
    clock,
  };
}

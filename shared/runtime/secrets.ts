import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { Failure } from './errors.ts';

export const createSecretsManager = (): SecretsManagerClient =>
  new SecretsManagerClient({
    maxAttempts: 4,
    requestHandler: { requestTimeout: 5000, throwOnRequestTimeout: true, connectionTimeout: 2000 },
  });

/** JSON values in Secrets Manager, told in the few outcomes callers act on. Failures: `vault-unavailable`. */
export interface SecretStore {
  /** undefined: no such secret, or no such version or stage of it. */
  read(name: string, version?: { id: string } | { stage: string }): Promise<unknown>;
  /** `exists`: the secret was there already and stays as it was. */
  create(secret: SecretValue): Promise<'created' | 'exists'>;
  /** `conflict`: this version id holds another value; `missing`: the secret does not exist. */
  put(secret: SecretValue & { stages: readonly string[] }): Promise<'stored' | 'conflict' | 'missing'>;
}

interface SecretValue {
  readonly name: string;
  /** The ClientRequestToken, which becomes the version's id: 32 to 64 characters. */
  readonly versionId: string;
  readonly value: object;
}

export function createSecretStore(client: SecretsManagerClient): SecretStore {
  return {
    async read(name, version) {
      const selected =
        version && ('id' in version ? { VersionId: version.id } : { VersionStage: version.stage });
      try {
        const answer = await client.send(new GetSecretValueCommand({ SecretId: name, ...selected }));
        return JSON.parse(answer.SecretString ?? 'null');
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return undefined;
        throw vaultUnavailable(error, name);
      }
    },
    async create({ name, versionId, value }) {
      try {
        await client.send(
          new CreateSecretCommand({
            Name: name,
            ClientRequestToken: versionId,
            SecretString: JSON.stringify(value),
          }),
        );
        return 'created';
      } catch (error) {
        if (error instanceof ResourceExistsException) return 'exists';
        throw vaultUnavailable(error, name);
      }
    },
    async put({ name, versionId, value, stages }) {
      try {
        await client.send(
          new PutSecretValueCommand({
            SecretId: name,
            ClientRequestToken: versionId,
            SecretString: JSON.stringify(value),
            VersionStages: [...stages],
          }),
        );
        return 'stored';
      } catch (error) {
        if (error instanceof ResourceExistsException) return 'conflict';
        if (error instanceof ResourceNotFoundException) return 'missing';
        throw vaultUnavailable(error, name);
      }
    },
  };
}

function vaultUnavailable(cause: unknown, name: string): Failure {
  // The SDK's message is left out: a parse error could quote the secret.
  const { name: errorName } = cause as Error;
  return new Failure({
    code: 'vault-unavailable',
    disposition: errorName === 'AccessDeniedException' ? 'give-up' : 'retry',
    message: `Secrets Manager did not answer for ${name} (${errorName}); check the role and the endpoint`,
  });
}

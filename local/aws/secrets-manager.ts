import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { awsError, type Endpoint, type EndpointResponse, startEndpoint } from './http-endpoint.ts';
import type { SecretsContext, SecretsOperation } from './secrets/access.ts';
import { catalogueOperations } from './secrets/catalogue-operations.ts';
import { SecretsError } from './secrets/secret.ts';
import { openSecretShelf } from './secrets/secret-shelf.ts';
import { valueOperations } from './secrets/value-operations.ts';

const operations: Readonly<Record<string, SecretsOperation>> = { ...valueOperations, ...catalogueOperations };

/**
 * Secrets Manager on loopback: versions, staging labels, request tokens and recovery windows as the service
 * has them; rotation, replication, policies and encryption are not there. Kept in `directory`, or in memory.
 */
export async function startSecretsManager(options: {
  directory?: string | undefined;
  region: string;
  clock?: Clock | undefined;
}): Promise<Endpoint> {
  const context: SecretsContext = {
    shelf: openSecretShelf(options.directory),
    clock: options.clock ?? systemClock,
    region: options.region,
  };
  return await startEndpoint({
    bodyLimitBytes: 1_048_576,
    handle: async ({ headers, body }) => answer(String(headers['x-amz-target']), body, context),
  });
}

function answer(target: string, body: Buffer, context: SecretsContext): EndpointResponse {
  const name = target.replace(/^secretsmanager\./, '');
  try {
    const operation = operations[name];
    if (!operation) throw new SecretsError('UnknownOperationException', `${name} is not supported`);
    const output = operation(JSON.parse(body.toString('utf8')), context);
    return {
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: JSON.stringify(output),
    };
  } catch (error) {
    if (error instanceof SecretsError) {
      return awsError({ status: 400, type: error.type, message: error.message });
    }
    if (error instanceof SyntaxError) {
      return awsError({ status: 400, type: 'SerializationException', message: 'the body is not JSON' });
    }
    throw error;
  }
}

import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { isRecord, operationIn } from './access/calls/call.ts';
import { readSecretsManagerCall } from './access/calls/secrets-manager.ts';
import type { AccessGuard } from './access/guard.ts';
import {
  awsError,
  type Endpoint,
  type EndpointRequest,
  type EndpointResponse,
  startEndpoint,
} from './http-endpoint.ts';
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
  /** Holds functions to their roles; without it everyone may do everything. */
  guard?: AccessGuard | undefined;
}): Promise<Endpoint> {
  const context: SecretsContext = {
    shelf: openSecretShelf(options.directory),
    clock: options.clock ?? systemClock,
    region: options.region,
  };
  return await startEndpoint({
    bodyLimitBytes: 1_048_576,
    handle: (request) => answer(request, { ...context, guard: options.guard }),
  });
}

async function answer(
  request: EndpointRequest,
  { guard, ...context }: SecretsContext & { guard: AccessGuard | undefined },
): Promise<EndpointResponse> {
  const name = operationIn(request.headers['x-amz-target']);
  try {
    const input: unknown = JSON.parse(request.body.toString('utf8'));
    const caller = guard?.findCaller(request);
    if (caller) {
      const call = readSecretsManagerCall(name, isRecord(input) ? input : {}, context.region);
      const refusal = guard?.refuse(caller, call);
      if (refusal !== undefined) throw new SecretsError('AccessDeniedException', refusal);
    }
    const operation = operations[name];
    if (!operation) throw new SecretsError('UnknownOperationException', `${name} is not supported`);
    const output = operation(input, context);
    await context.shelf.settled();
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

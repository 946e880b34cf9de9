import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { Failure } from './errors.ts';

/** A document client whose calls give up after 5 s each and 4 attempts; undefined attributes are left out. */
export function createDynamoDb(): DynamoDBDocumentClient {
  const client = new DynamoDBClient({
    maxAttempts: 4,
    requestHandler: { requestTimeout: 5000, throwOnRequestTimeout: true, connectionTimeout: 2000 },
  });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

/** The outcomes of calls to one table; every error but an unmet condition is `store-unavailable`. */
export interface TableCalls {
  /** The answer of a read or an unconditional write. */
  reach<T>(call: Promise<T>): Promise<T>;
  /** The write's answer, or undefined when its condition did not hold. */
  answerConditionally<T>(write: Promise<T>): Promise<T | undefined>;
  /** True when the write was made, false when its condition did not hold. */
  writeConditionally(write: Promise<unknown>): Promise<boolean>;
}

export function callsTo(table: string): TableCalls {
  const answerConditionally = async <T>(write: Promise<T>): Promise<T | undefined> => {
    try {
      return await write;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw storeUnavailable(table, error);
    }
  };
  return {
    answerConditionally,
    writeConditionally: async (write) => (await answerConditionally(write)) !== undefined,
    async reach(call) {
      try {
        return await call;
      } catch (error) {
        throw storeUnavailable(table, error);
      }
    },
  };
}

function storeUnavailable(table: string, cause: unknown): Failure {
  const { name, message } = cause as Error;
  return new Failure({
    code: 'store-unavailable',
    disposition:
      name === 'ResourceNotFoundException' || name === 'AccessDeniedException' ? 'give-up' : 'retry',
    message: `table ${table} did not answer as asked (${name}: ${message}); check its name, the role and the endpoint`,
    cause,
  });
}

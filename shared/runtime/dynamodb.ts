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

/** The write's answer, or undefined when its condition did not hold; other errors are `store-unavailable`. */
export async function answerConditionally<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw storeUnavailable(error);
  }
}

/** True when the write was made, false when its condition did not hold; other errors are `store-unavailable`. */
export const writeConditionally = async (write: Promise<unknown>): Promise<boolean> =>
  (await answerConditionally(write)) !== undefined;

/** The answer of a read or an unconditional write; errors are `store-unavailable`. */
export async function reach<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw storeUnavailable(error);
  }
}

function storeUnavailable(cause: unknown): Failure {
  const { name, message } = cause as Error;
  return new Failure({
    code: 'store-unavailable',
    disposition:
      name === 'ResourceNotFoundException' || name === 'AccessDeniedException' ? 'give-up' : 'retry',
    message: `DynamoDB did not answer as asked (${name}: ${message}); check the table's name, the role and the endpoint`,
    cause,
  });
}

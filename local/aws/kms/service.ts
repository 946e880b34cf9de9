import { type Clock, systemClock } from '../../../shared/runtime/clock.ts';
import { isRecord, operationIn, type RequestBody, textOf } from '../access/calls/call.ts';
import { readKmsCall } from '../access/calls/kms.ts';
import type { AccessGuard } from '../access/guard.ts';
import {
  awsError,
  type Endpoint,
  type EndpointRequest,
  type EndpointResponse,
  startEndpoint,
} from '../http-endpoint.ts';
import { keyIdIn } from './ciphertext.ts';
import { encryptionOperations } from './encryption-operations.ts';
import { keyOperations } from './key-operations.ts';
import { type KeyRing, type KeysPlan, openKeyRing } from './key-ring.ts';
import { KmsError } from './kms-error.ts';
import type { KmsOperation } from './operation.ts';
import { signingOperations } from './signing-operations.ts';

const operations: Readonly<Record<string, KmsOperation>> = {
  ...encryptionOperations,
  ...signingOperations,
  ...keyOperations,
};

interface KmsContext {
  readonly ring: KeyRing;
  readonly region: string;
  readonly guard: AccessGuard | undefined;
}

/**
 * KMS on loopback with the keys and aliases of a template: data keys and ciphertexts of AES-256-GCM bound to their
 * encryption context, signatures over P-256. Key policies, grants and rotation are not there. Kept in `directory`,
 * or in memory, where what was wrapped opens no more once the process ends.
 */
export async function startKms(
  plan: KeysPlan,
  options: {
    directory?: string | undefined;
    region: string;
    clock?: Clock | undefined;
    /** Holds functions to their roles; without it everyone may do everything. */
    guard?: AccessGuard | undefined;
  },
): Promise<Endpoint> {
  const { directory, region, clock = systemClock, guard } = options;
  const context = { ring: openKeyRing(plan, { directory, clock }), region, guard };
  return await startEndpoint({
    bodyLimitBytes: 65_536,
    handle: async (request) => answer(request, context),
  });
}

function answer(request: EndpointRequest, { ring, region, guard }: KmsContext): EndpointResponse {
  const name = operationIn(request.headers['x-amz-target']);
  try {
    const input: unknown = JSON.parse(request.body.toString('utf8'));
    const caller = guard?.findCaller(request);
    if (caller) {
      const body = isRecord(input) ? input : {};
      const call = readKmsCall(name, body, { region, keyArn: findKeyArn(body, ring) });
      const refusal = guard?.refuse(caller, call);
      if (refusal !== undefined) throw new KmsError('AccessDeniedException', refusal);
    }
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    if (!operation) throw new KmsError('UnknownOperationException', `${name} is not supported`);
    return {
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: JSON.stringify(operation(input, ring)),
    };
  } catch (error) {
    if (error instanceof KmsError) {
      return awsError({ status: 400, type: error.type, message: error.message });
    }
    if (error instanceof SyntaxError) {
      return awsError({ status: 400, type: 'SerializationException', message: 'the body is not JSON' });
    }
    throw error;
  }
}

/** The key a request is about; where it names none, the one its ciphertext does. */
function findKeyArn(body: RequestBody, ring: KeyRing): string | undefined {
  const ciphertext = textOf(body, 'CiphertextBlob') ?? '';
  const reference = textOf(body, 'KeyId') ?? keyIdIn(Buffer.from(ciphertext, 'base64')) ?? '';
  return ring.find(reference)?.arn;
}

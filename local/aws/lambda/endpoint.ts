import { asFailure } from '../../../shared/runtime/errors.ts';
import { readLambdaCall } from '../access/calls/lambda.ts';
import type { AccessGuard } from '../access/guard.ts';
import {
  awsError,
  type Endpoint,
  type EndpointRequest,
  type EndpointResponse,
  startEndpoint,
} from '../http-endpoint.ts';
import { type Invocation, synchronousLimitBytes } from './function.ts';
import type { Lambda } from './service.ts';

const asynchronousLimitBytes = 1_048_576;
const route = /^\/2015-03-31\/functions\/([^/?]+)(\/invocations)?(?:\?.*)?$/;

/**
 * Lambda's HTTP API as far as `sls invoke` and the SDK's Invoke and GetFunction need it; with a `guard`, open to
 * functions as far as their roles go.
 */
export async function startLambdaEndpoint(lambda: Lambda, guard?: AccessGuard): Promise<Endpoint> {
  return await startEndpoint({
    bodyLimitBytes: synchronousLimitBytes,
    async handle(request) {
      const [, encoded, invocations] = route.exec(request.url) ?? [];
      if (encoded === undefined || (request.method === 'POST') !== (invocations !== undefined)) {
        const message = `${request.method} ${request.url} is not part of the embedded AWS`;
        return awsError({ status: 501, type: 'UnknownOperationException', message });
      }
      const name = decodeURIComponent(encoded);
      try {
        const caller = guard?.findCaller(request);
        if (caller) {
          const operation = invocations ? 'InvokeFunction' : 'GetFunction';
          const message = guard?.refuse(caller, readLambdaCall(operation, lambda.find(name).plan.arn));
          if (message !== undefined) {
            return awsError({ status: 403, type: 'AccessDeniedException', message });
          }
        }
        return invocations ? await invoke(lambda, name, request) : describe(lambda, name);
      } catch (error) {
        const { code, message } = asFailure(error);
        if (code === 'function-not-found') {
          return awsError({ status: 404, type: 'ResourceNotFoundException', message });
        }
        if (code === 'lambda-stopped') {
          return awsError({ status: 503, type: 'ServiceException', message });
        }
        throw error;
      }
    },
  });
}

async function invoke(lambda: Lambda, name: string, request: EndpointRequest): Promise<EndpointResponse> {
  lambda.find(name);
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const context = request.headers['x-amz-client-context'];
  const invocation: Invocation = {
    payload: request.body.toString('utf8') || '{}',
    clientContext:
      context === undefined ? undefined : Buffer.from(String(context), 'base64').toString('utf8'),
  };
  if (!isJson(invocation.payload)) {
    const message = 'Could not parse request body into json';
    return awsError({ status: 400, type: 'InvalidRequestContentException', message });
  }
  if (type === 'DryRun') return { status: 204 };
  if (type === 'Event') {
    if (request.body.length > asynchronousLimitBytes) {
      const message = `${request.body.length} byte payload is too large for the Event invocation type (limit ${asynchronousLimitBytes} bytes)`;
      return awsError({ status: 413, type: 'RequestTooLargeException', message });
    }
    return { status: 202, headers: { 'x-amzn-requestid': lambda.invokeAsync(name, invocation) } };
  }
  const result = await lambda.invoke(name, invocation);
  const wantsLog = request.headers['x-amz-log-type'] === 'Tail';
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': result.requestId,
      'x-amz-executed-version': '$LATEST',
      ...(wantsLog ? { 'x-amz-log-result': Buffer.from(result.logTail).toString('base64') } : {}),
      ...(result.kind === 'failed' ? { 'x-amz-function-error': 'Unhandled' } : {}),
    },
    body: result.kind === 'failed' ? JSON.stringify(result.error) : result.payload,
  };
}

function describe(lambda: Lambda, name: string): EndpointResponse {
  const { plan } = lambda.find(name);
  const configuration = {
    FunctionName: plan.name,
    FunctionArn: plan.arn,
    Handler: `${plan.bundle}.${plan.handler}`,
    Timeout: plan.timeoutSeconds,
    MemorySize: plan.memoryMegabytes,
    Version: '$LATEST',
    State: 'Active',
    LastUpdateStatus: 'Successful',
  };
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ Configuration: configuration }),
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

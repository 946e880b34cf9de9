import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { awsError, BodyTooLarge, type EndpointResponse, readBody } from '../http-endpoint.ts';
import { isRecord, operationIn, type RequestBody } from './calls/call.ts';
import { readDynamoDbCall } from './calls/dynamodb.ts';
import type { FunctionRole } from './function-roles.ts';
import type { AccessGuard } from './guard.ts';

/** DynamoDB's own limit. */
const bodyLimitBytes = 16 * 1_048_576;

/**
 * Holds the functions to their roles at a DynamoDB server: takes the place of its request listener, and hands
 * on to it, in the same process, what may pass.
 */
export function gateDatabase(server: Server, gate: { guard: AccessGuard; region: string }): void {
  const listeners = server.listeners('request') as RequestListener[];
  const handOn: RequestListener = (request, response) => {
    for (const listener of listeners) listener.call(server, request, response);
  };
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    const caller = gate.guard.findCaller(request);
    if (!caller) return handOn(request, response);
    judge(request, { caller, ...gate }).then(
      (verdict) =>
        'refusal' in verdict
          ? answer(response, verdict.refusal)
          : handOn(replay(request, verdict.body), response),
      // The caller went away while its body was read.
      () => response.destroy(),
    );
  });
}

async function judge(
  request: IncomingMessage,
  { caller, guard, region }: { caller: FunctionRole; guard: AccessGuard; region: string },
): Promise<{ body: Buffer } | { refusal: EndpointResponse }> {
  let body: Buffer;
  try {
    body = await readBody(request, bodyLimitBytes);
  } catch (error) {
    if (!(error instanceof BodyTooLarge)) throw error;
    const message = `the request exceeds ${bodyLimitBytes} bytes`;
    return { refusal: awsError({ status: 413, type: 'RequestTooLargeException', message }) };
  }
  const operation = operationIn(request.headers['x-amz-target']);
  const message = guard.refuse(caller, readDynamoDbCall(operation, parse(body), region));
  return message === undefined
    ? { body }
    : { refusal: awsError({ status: 400, type: 'AccessDeniedException', message }) };
}

/** What is not a JSON object names no table, and is refused for that. */
function parse(body: Buffer): RequestBody {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** The request once more, its body unread. */
function replay({ method, url, headers }: IncomingMessage, body: Buffer): IncomingMessage {
  const unread = new Readable({ read() {} });
  unread.push(body);
  unread.push(null);
  return Object.assign(unread, { method, url, headers }) as IncomingMessage;
}

function answer(response: ServerResponse, { status, headers, body }: EndpointResponse): void {
  response.writeHead(status, headers);
  response.end(body);
}

import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import type { Lambda } from './lambda/service.ts';

export interface FunctionUrlRequest {
  readonly method: string;
  /** Percent-encoded, with its leading slash and without the query. */
  readonly path: string;
  /** Without its question mark. */
  readonly query?: string | undefined;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  readonly body?: Buffer | undefined;
  readonly sourceIp?: string | undefined;
}

export interface FunctionUrlResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: Buffer;
}

/** Calls a function as its URL would: payload format 2.0 in, an HTTP response out; a failing function is 502. */
export async function invokeFunctionUrl(
  lambda: Pick<Lambda, 'invoke'>,
  functionName: string,
  request: FunctionUrlRequest & { readonly clock?: Clock | undefined },
): Promise<FunctionUrlResponse> {
  const result = await lambda.invoke(functionName, { payload: JSON.stringify(toEvent(request)) });
  return result.kind === 'returned' ? toResponse(JSON.parse(result.payload)) : badGateway;
}

const badGateway: FunctionUrlResponse = {
  status: 502,
  headers: { 'content-type': 'application/json' },
  cookies: [],
  body: Buffer.from('{"message":"Internal Server Error"}'),
};

function toEvent(request: FunctionUrlRequest & { readonly clock?: Clock | undefined }) {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (value !== undefined)
      headers[name.toLowerCase()] = typeof value === 'string' ? value : value.join(',');
  }
  const { cookie, ...rest } = headers;
  const query = request.query ?? '';
  const parameters: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    parameters[name] = name in parameters ? `${parameters[name]},${value}` : value;
  }
  const now = (request.clock ?? systemClock).now();
  const domainName = headers.host ?? 'localhost';
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: request.path,
    rawQueryString: query,
    ...(cookie === undefined ? {} : { cookies: cookie.split('; ') }),
    headers: rest,
    ...(query === '' ? {} : { queryStringParameters: parameters }),
    requestContext: {
      accountId: 'anonymous',
      apiId: 'local',
      domainName,
      domainPrefix: domainName.split('.')[0],
      http: {
        method: request.method,
        path: request.path,
        protocol: 'HTTP/1.1',
        sourceIp: request.sourceIp ?? '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: now.toUTCString(),
      timeEpoch: now.getTime(),
    },
    ...(request.body?.length ? { body: request.body.toString('base64') } : {}),
    isBase64Encoded: Boolean(request.body?.length),
  };
}

interface StructuredResponse {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, unknown>> | null;
  readonly cookies?: readonly string[] | null;
  readonly body?: unknown;
  readonly isBase64Encoded?: boolean;
}

const isStructured = (answer: unknown): answer is StructuredResponse =>
  typeof answer === 'object' &&
  answer !== null &&
  'statusCode' in answer &&
  Number.isInteger(answer.statusCode);

/** A function that answers no statusCode has its whole answer sent as JSON. */
function toResponse(answer: unknown): FunctionUrlResponse {
  if (!isStructured(answer)) {
    const body = typeof answer === 'string' ? answer : JSON.stringify(answer);
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      cookies: [],
      body: Buffer.from(body),
    };
  }
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? '');
  const entries = Object.entries(answer.headers ?? {}).map(([name, value]) => [
    name.toLowerCase(),
    String(value),
  ]);
  return {
    status: answer.statusCode,
    headers: { 'content-type': 'application/json', ...Object.fromEntries(entries) },
    cookies: answer.cookies ?? [],
    body:
      answer.body == null ? Buffer.alloc(0) : Buffer.from(text, answer.isBase64Encoded ? 'base64' : 'utf8'),
  };
}

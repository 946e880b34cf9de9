import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { portOf } from '../loopback.ts';

export interface EndpointRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface EndpointResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Buffer | undefined;
}

export interface Endpoint {
  readonly endpoint: string;
  stop(): Promise<void>;
}

export class BodyTooLarge extends Error {}

/** @throws BodyTooLarge */
export async function readBody(stream: AsyncIterable<Buffer>, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** An HTTP service on loopback. A handler that throws answers 500; a body over the limit answers 413. */
export async function startEndpoint(options: {
  handle: (request: EndpointRequest) => Promise<EndpointResponse>;
  bodyLimitBytes: number;
  /** For services whose errors have another form. */
  tooLarge?: EndpointResponse | undefined;
}): Promise<Endpoint> {
  const server = createServer(async (incoming, outgoing) => {
    let response: EndpointResponse;
    try {
      const body = await readBody(incoming, options.bodyLimitBytes);
      const { method = 'GET', url = '/', headers } = incoming;
      response = await options.handle({ method, url, headers, body });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      response =
        error instanceof BodyTooLarge
          ? (options.tooLarge ??
            awsError({ status: 413, type: 'RequestTooLargeException', message: 'the request is too large' }))
          : awsError({ status: 500, type: 'InternalServiceError', message });
    }
    outgoing.writeHead(response.status, response.headers);
    outgoing.end(response.body);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${portOf(server)}`,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** An error as AWS's JSON protocols state it; SDK clients build their typed exception from it. */
export function awsError(error: { status: number; type: string; message: string }): EndpointResponse {
  return {
    status: error.status,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': error.type },
    body: JSON.stringify({ __type: error.type, Message: error.message, message: error.message }),
  };
}

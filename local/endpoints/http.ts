import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { httpChallengePrefix } from '../../shared/challenges/http-01.ts';
import { listenOnLoopback } from './listen.ts';

export interface ChallengeRequest {
  readonly method: 'GET' | 'HEAD';
  /** Without the query. */
  readonly path: string;
  readonly host: string;
}

export interface ChallengeResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type ChallengeHandler = (request: ChallengeRequest) => Promise<ChallengeResponse>;

export interface HttpEndpoint {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * What a web server in front of the fleet does: hands `/.well-known/acme-challenge/` to `handler`, answers
 * anything else with 404. A handler that fails becomes a 502, as behind a gateway.
 * @throws Failure `port-in-use`
 */
export async function startHttpEndpoint(options: {
  port?: number | undefined;
  handler: ChallengeHandler;
}): Promise<HttpEndpoint> {
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    void respond(request, response, options.handler);
  });
  const port = await listenOnLoopback(server, { port: options.port, option: '--http-port' });
  return {
    port,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function respond(request: IncomingMessage, response: ServerResponse, handler: ChallengeHandler) {
  const { method, headers } = request;
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  const answer = !path.startsWith(httpChallengePrefix)
    ? plain(404, 'nothing here\n')
    : method !== 'GET' && method !== 'HEAD'
      ? plain(405, 'GET only\n')
      : await handler({ method, path, host: headers.host ?? '' }).catch(() => plain(502, 'no answer\n'));
  response.writeHead(answer.status, answer.headers);
  response.end(method === 'HEAD' ? undefined : answer.body);
}

const plain = (status: number, body: string): ChallengeResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AcmeReply, Authority } from './authority.ts';
import { retryInterrupted } from './challenges.ts';
import { type AcmeProblem, asProblem, malformed } from './problem.ts';
import { findRoute, type Route } from './routes.ts';
import { authenticate } from './signed-request.ts';

const largestBodyBytes = 128 * 1024;

/** Answers one HTTP request; never rejects. */
export async function serve(
  authority: Authority,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const request = { method: incoming.method ?? '', path: incoming.url ?? '' };
  try {
    send(authority, request, { outgoing, reply: await answer(authority, incoming) });
  } catch (error) {
    const problem = asProblem(error);
    authority.ledger.countProblem(problem.type);
    send(authority, request, { outgoing, reply: refuse(problem) });
  }
}

async function answer(authority: Authority, incoming: IncomingMessage): Promise<AcmeReply> {
  const target = incoming.url ?? '/';
  const { route, path } = findRouteOrCount(authority, target);
  authority.ledger.countRequest(route.resource);
  const method = incoming.method ?? '';
  if (!(route.methods as readonly string[]).includes(method)) {
    const allow = route.methods.join(', ');
    throw malformed(`${method} is not allowed here; use ${allow}`, { status: 405, headers: { allow } });
  }
  if ('show' in route) return route.show(authority, method);
  const request = authenticate(authority, route.signer, {
    url: `${authority.urls.origin}${target}`,
    contentType: incoming.headers['content-type'],
    body: await readBody(incoming),
  });
  if (request.account !== undefined) retryInterrupted(authority, request.account.id);
  return route.handle(authority, request, path);
}

function findRouteOrCount(authority: Authority, target: string): { route: Route; path: readonly string[] } {
  try {
    return findRoute(target.split('?', 1)[0] ?? '');
  } catch (error) {
    authority.ledger.countRequest('unknown');
    throw error;
  }
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // What is too much is read all the same, and dropped: a client that is still writing sees no answer.
    if (bytes <= largestBodyBytes) chunks.push(chunk);
  }
  if (bytes > largestBodyBytes)
    throw malformed(`the body exceeds ${largestBodyBytes} bytes`, { status: 413 });
  return Buffer.concat(chunks).toString();
}

const refuse = (problem: AcmeProblem): AcmeReply => ({
  status: problem.status,
  text: { type: 'application/problem+json', body: JSON.stringify(problem.document) },
  headers: problem.headers,
});

function send(
  authority: Authority,
  request: { method: string; path: string },
  { outgoing, reply }: { outgoing: ServerResponse; reply: AcmeReply },
): void {
  const { urls, nonces } = authority;
  const isNewNonce = request.path.startsWith('/acme/new-nonce');
  const body = reply.text?.body ?? (reply.json === undefined ? '' : JSON.stringify(reply.json));
  const index = request.path === '/directory' ? [] : [`<${urls.directory}>;rel="index"`];
  outgoing.writeHead(reply.status, {
    'cache-control': isNewNonce ? 'no-store' : 'public, max-age=0, no-cache',
    ...(body === '' ? {} : { 'content-type': reply.text?.type ?? 'application/json' }),
    // Also for HEAD: without it clients close the connection that brought the nonce.
    ...(reply.status === 204 ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    ...(request.method === 'POST' || isNewNonce ? { 'replay-nonce': nonces.issue() } : {}),
    ...(index.length + (reply.links?.length ?? 0) > 0 ? { link: [...index, ...(reply.links ?? [])] } : {}),
    ...reply.headers,
  });
  outgoing.end(request.method === 'HEAD' ? undefined : body);
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerInstead, tamperWithAnswer } from './acted-faults.ts';
import type { AcmeReply, Authority } from './authority.ts';
import { retryInterrupted } from './challenges.ts';
import { type AcmeProblem, asProblem, malformed } from './problem.ts';
import { readRequestFacts } from './request-facts.ts';
import { spendRequest } from './request-limits.ts';
import { findRoute, type Route } from './routes.ts';
import { send } from './send.ts';
import { authenticate } from './signed-request.ts';

const largestBodyBytes = 128 * 1024;

interface Arrival {
  readonly route: Route;
  readonly path: readonly string[];
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly contentType: string | undefined;
  readonly body: string;
}

/** Answers one HTTP request; never rejects. */
export async function serve(
  authority: Authority,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const request = { method: incoming.method ?? '', path: incoming.url ?? '' };
  try {
    send(authority, request, {
      outgoing,
      reply: await answer(authority, await receive(authority, incoming)),
    });
  } catch (error) {
    const problem = asProblem(error);
    authority.ledger.countProblem(problem);
    send(authority, request, { outgoing, reply: refuse(problem) });
  }
}

async function receive(authority: Authority, incoming: IncomingMessage): Promise<Arrival> {
  const { method = '', url: target = '/' } = incoming;
  const { route, path } = findRouteOrCount(authority, target);
  authority.ledger.countRequest(route.resource);
  spendRequest(authority, { resource: route.resource, pathname: pathOf(target) });
  if (!(route.methods as readonly string[]).includes(method)) {
    const allow = route.methods.join(', ');
    throw malformed(`${method} is not allowed here; use ${allow}`, { status: 405, headers: { allow } });
  }
  const body = 'show' in route ? '' : await readBody(incoming);
  return { route, path, method, target, contentType: incoming.headers['content-type'], body };
}

/** The answer, and whatever a fault makes of it. */
async function answer(authority: Authority, arrival: Arrival): Promise<AcmeReply> {
  const { faults } = authority;
  if (faults.none) return handle(authority, arrival);
  const { route, path, body } = arrival;
  const facts = readRequestFacts(authority, { resource: route.resource, path, body });
  const act = faults.takeInstead(facts);
  const instead = act && (await answerInstead(authority, act));
  if (instead !== undefined) return instead;
  const reply = await handle(authority, arrival);
  const tampering = faults.takeAnswer(facts);
  return tampering === undefined ? reply : tamperWithAnswer(authority, reply, tampering);
}

function handle(authority: Authority, arrival: Arrival): AcmeReply | Promise<AcmeReply> {
  const { route, path, method, target, contentType, body } = arrival;
  const url = `${authority.urls.origin}${target}`;
  if ('show' in route) return route.show(authority, { method, path, query: new URL(url).searchParams });
  const request = authenticate(authority, route.signer, { url, contentType, body });
  if (request.account !== undefined) retryInterrupted(authority, request.account.id);
  return route.handle(authority, request, path);
}

const pathOf = (target: string): string => target.split('?', 1)[0] ?? '';

function findRouteOrCount(authority: Authority, target: string): { route: Route; path: readonly string[] } {
  try {
    return findRoute(pathOf(target));
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

const refuse = ({ status, document, headers, links, replayNonce }: AcmeProblem): AcmeReply => ({
  status,
  text: { type: 'application/problem+json', body: JSON.stringify(document) },
  headers,
  links,
  ...(replayNonce === undefined ? {} : { replayNonce }),
});

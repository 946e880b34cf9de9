import type { ServerResponse } from 'node:http';
import type { AcmeReply, Authority } from './authority.ts';

/** Writes the answer with nonce (RFC 8555, 6.5) and index link (7.1), or loses it where its `transport` says so. */
export function send(
  authority: Authority,
  request: { method: string; path: string },
  { outgoing, reply }: { outgoing: ServerResponse; reply: AcmeReply },
): void {
  if (reply.transport === 'withheld') return;
  if (reply.transport === 'dropped') {
    outgoing.destroy();
    return;
  }
  const body = reply.text?.body ?? (reply.json === undefined ? '' : JSON.stringify(reply.json));
  outgoing.writeHead(reply.status, headersOf(authority, request, { reply, body }));
  if (reply.transport === 'truncated') {
    outgoing.write(body.slice(0, body.length / 2), () => outgoing.destroy());
  } else {
    outgoing.end(request.method === 'HEAD' ? undefined : body);
  }
}

function headersOf(
  { urls, nonces }: Authority,
  { method, path }: { method: string; path: string },
  { reply, body }: { reply: AcmeReply; body: string },
): Record<string, string | string[]> {
  const isNewNonce = path.startsWith('/acme/new-nonce');
  const bearsNonce = reply.replayNonce !== 'withheld' && (method === 'POST' || isNewNonce);
  const index = path === '/directory' ? [] : [`<${urls.directory}>;rel="index"`];
  const links = [...index, ...(reply.links ?? [])];
  return {
    'cache-control': isNewNonce ? 'no-store' : 'public, max-age=0, no-cache',
    ...(body === '' ? {} : { 'content-type': reply.text?.type ?? 'application/json' }),
    // Also for HEAD: without it clients close the connection that brought the nonce.
    ...(reply.status === 204 ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    ...(bearsNonce ? { 'replay-nonce': nonces.issue() } : {}),
    ...(links.length > 0 ? { link: links } : {}),
    ...reply.headers,
  };
}

import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import type { HandshakeError, ReachedObservation } from './observation.ts';

type CloserLook = Pick<ReachedObservation, 'clientCertificateAsked' | 'hungUp'>;

/**
 * Stays on a connection that was just made, without a word: a server that wants another client certificate, or
 * one at all, says so only now (RFC 8446, 4.4.2.4; Node's own servers hang up in silence).
 * @throws the signal's reason when it aborts
 */
export async function lookCloser(
  socket: TLSSocket,
  { client, signal }: { readonly client?: unknown; readonly signal: AbortSignal },
  settleMillis: number,
): Promise<CloserLook> {
  const seen = { clientCertificateAsked: asksForCertificate(socket) };
  if (!seen.clientCertificateAsked && client === undefined) return seen;
  const settled = AbortSignal.any([signal, AbortSignal.timeout(settleMillis)]);
  try {
    // Nothing was asked yet, so whatever comes is an alert or the end.
    socket.resume();
    await once(socket, 'close', { signal: settled });
    return { ...seen, hungUp: {} };
  } catch (error) {
    signal.throwIfAborted();
    return settled.aborted ? seen : { ...seen, hungUp: { error: describeError(error) } };
  }
}

/**
 * On a client's socket these are the algorithms of the server's CertificateRequest: none when it sent none. False
 * also once the socket is gone, and with it what was said.
 */
export function asksForCertificate(socket: TLSSocket | undefined): boolean {
  try {
    return socket !== undefined && socket.getSharedSigalgs().length > 0;
  } catch {
    return false;
  }
}

export function chainOf(leaf: X509Certificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let link: X509Certificate | undefined = leaf; link !== undefined; link = link.issuerCertificate)
    chain.push(link);
  return chain;
}

/** On one line. */
export const describeError = (error: unknown): HandshakeError => ({
  code: error instanceof Error && 'code' in error ? String(error.code) : '',
  message: (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim(),
});

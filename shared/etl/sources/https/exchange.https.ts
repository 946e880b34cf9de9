import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { Failure } from '../../../runtime/errors.ts';
import { asksForCertificate } from '../../../verify/closer-look.ts';
import type { TlsPeer } from '../../connections/tls-peer.ts';

export interface ExchangeLimits {
  /** Until the handshake is done. */
  readonly connectMillis: number;
  /** From the request to the end of the answer's head. */
  readonly answerMillis: number;
}

export interface Exchange {
  readonly peer: TlsPeer;
  readonly options: RequestOptions;
  readonly body: string | undefined;
  readonly limits: ExchangeLimits;
}

/**
 * Sends one request and resolves with the head of its answer. Rejects with `peer-timeout`, `source-timeout` (retry),
 * the client-certificate failures that no alert announces (retry), and foreign errors as they are.
 */
export function exchange(call: Exchange): Promise<IncomingMessage> {
  const { options, body, limits } = call;
  return new Promise((resolve, reject) => {
    const outgoing = request(options);
    const answerTimer = setTimeout(
      () => outgoing.destroy(timedOut('source-timeout', 'answer', limits.answerMillis)),
      limits.answerMillis,
    );
    let wantsClient = false;
    let connectTimer: NodeJS.Timeout | undefined;
    outgoing.on('socket', (socket) => {
      if (outgoing.reusedSocket) return;
      connectTimer = setTimeout(
        () => outgoing.destroy(timedOut('peer-timeout', 'handshake', limits.connectMillis)),
        limits.connectMillis,
      );
      (socket as TLSSocket).once('secureConnect', () => {
        clearTimeout(connectTimer);
        wantsClient = asksForCertificate(socket as TLSSocket);
      });
    });
    const stop = () => {
      clearTimeout(answerTimer);
      clearTimeout(connectTimer);
    };
    let isAnswered = false;
    outgoing.on('response', (response) => {
      stop();
      isAnswered = true;
      resolve(response);
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      stop();
      // The server had closed this kept connection before it saw the request, as after a Lambda's freeze.
      const hungUp = !isAnswered && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      if (hungUp && outgoing.reusedSocket) exchange(call).then(resolve, reject);
      else reject(hungUp && wantsClient ? hungUpOnClient(call) : error);
    });
    outgoing.end(body);
  });
}

/** Servers that leave the judgement to their language (Node's are some) end the connection without an alert. */
function hungUpOnClient({ options: { method }, peer }: Exchange): Failure {
  const code = peer.client ? 'client-certificate-refused' : 'client-certificate-required';
  const message = `${peer.host}:${peer.port} asked for a client certificate and hung up before it answered the ${method}; have it accept the pipeline's clientCertificate`;
  // It may as well have fallen over the request, which the next try shows.
  return new Failure({ code, disposition: 'retry', message });
}

const timedOut = (code: string, what: string, millis: number) =>
  new Failure({
    code,
    disposition: 'retry',
    message: `no ${what} within ${millis / 1000} s; check the source's load and the network to it`,
  });

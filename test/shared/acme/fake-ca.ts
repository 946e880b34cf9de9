import { createPemSigner, generateAccountKey } from '../../../shared/acme/account-key.ts';
import { type ConnectionOptions, connect } from '../../../shared/acme/connection.ts';
import type { AcmeRequest, AcmeResponse } from '../../../shared/acme/transport.ts';
import { noon } from '../../support/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

export const origin = 'https://ca.example';
export const directoryUrl = `${origin}/directory`;

type Answer = Partial<AcmeResponse> | Error | ((request: SentRequest) => Partial<AcmeResponse>);

/** A request as the CA would read it: the JWS taken apart. */
export interface SentRequest extends AcmeRequest {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: unknown;
}

export const aProblem = (status: number, type: string, more: object = {}): Partial<AcmeResponse> => ({
  status,
  data: { type: `urn:ietf:params:acme:error:${type}`, detail: `because of ${type}`, ...more },
});

export const directory = {
  newNonce: `${origin}/new-nonce`,
  newAccount: `${origin}/new-account`,
  newOrder: `${origin}/new-order`,
  revokeCert: `${origin}/revoke`,
  keyChange: `${origin}/key-change`,
  renewalInfo: `${origin}/renewal-info`,
  meta: { profiles: { classic: 'the usual', shortlived: 'six days' } },
};

/**
 * A CA of scripted answers, by path: a list is answered one by one, its last for ever. Every POST and new-nonce
 * leaves a nonce, as RFC 8555, 6.5 wants.
 */
export function createFakeCa(script: Readonly<Record<string, Answer | readonly Answer[]>> = {}) {
  const answers: Record<string, Answer | readonly Answer[]> = {
    '/directory': { data: directory },
    '/new-nonce': { status: 204 },
    ...script,
  };
  const sent: SentRequest[] = [];
  const served = new Map<string, number>();
  let nonces = 0;
  const clock = createFakeClock(noon);
  const transport = async (request: AcmeRequest): Promise<AcmeResponse> => {
    request.signal?.throwIfAborted();
    const path = new URL(request.url).pathname;
    const opened = { ...request, ...takeApart(request.body) };
    sent.push(opened);
    const found = answers[path] ?? aProblem(404, 'malformed');
    const list: readonly Answer[] = Array.isArray(found) ? found : [found as Answer];
    const count = served.get(path) ?? 0;
    served.set(path, count + 1);
    const scripted = list[Math.min(count, list.length - 1)] ?? {};
    const answer = typeof scripted === 'function' ? scripted(opened) : scripted;
    if (answer instanceof Error) throw answer;
    const nonce =
      request.method === 'POST' || path === '/new-nonce' ? { 'replay-nonce': `nonce-${++nonces}` } : {};
    return { status: 200, data: '', ...answer, headers: { ...nonce, ...answer.headers } };
  };
  return {
    transport,
    clock,
    sent,
    /** Paths asked, in order. */
    paths: () => sent.map(({ url }) => new URL(url).pathname),
    async connect(options: Partial<ConnectionOptions> = {}) {
      const signer = options.signer ?? createPemSigner(generateAccountKey());
      return connect({
        directoryUrl,
        transport,
        clock,
        signer,
        accountUrl: `${origin}/account/1`,
        ...options,
      });
    },
    async session(options: Partial<ConnectionOptions> = {}, signal = new AbortController().signal) {
      return (await this.connect(options)).session(signal);
    },
  };
}

function takeApart(body: string | undefined): Pick<SentRequest, 'header' | 'payload'> {
  if (body === undefined) return { header: {}, payload: undefined };
  const jws = JSON.parse(body);
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  return { header: read(jws.protected), payload: jws.payload === '' ? '' : read(jws.payload) };
}

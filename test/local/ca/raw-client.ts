import { createHmac, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';

export interface RawReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The parsed body; undefined when empty or not JSON. */
  readonly json: Record<string, unknown> | undefined;
  readonly text: string;
}

export interface SignedPost {
  readonly url: string;
  readonly payload?: unknown;
  /** Overrides members of the protected header; undefined removes one. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** The account URL; absent: the bare key signs. */
  readonly kid?: string | undefined;
  readonly key: KeyObject;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export const aKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** The public half with sorted members. */
export function publicJwk(key: KeyObject): JsonWebKey {
  const { crv, e, kty, n, x, y } = key.export({ format: 'jwk' });
  return JSON.parse(JSON.stringify({ crv, e, kty, n, x, y })) as JsonWebKey;
}

/** A flattened JWS over `payload`; undefined makes the empty payload of POST-as-GET. */
export function signJws(key: KeyObject, header: Readonly<Record<string, unknown>>, payload: unknown) {
  const parts = { protected: encode(header), payload: payload === undefined ? '' : encode(payload) };
  const input = Buffer.from(`${parts.protected}.${parts.payload}`);
  const hash = header.alg === 'ES384' ? 'sha384' : 'sha256';
  const signature = sign(hash, input, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  return { ...parts, signature };
}

/** An HS256 binding of `accountKey` (RFC 8555, 7.3.4). */
export function signBinding(
  macKey: string,
  header: Readonly<Record<string, unknown>>,
  accountKey: KeyObject,
): Record<string, string> {
  const parts = { protected: encode({ alg: 'HS256', ...header }), payload: encode(publicJwk(accountKey)) };
  const mac = createHmac('sha256', Buffer.from(macKey, 'base64url'));
  return { ...parts, signature: mac.update(`${parts.protected}.${parts.payload}`).digest('base64url') };
}

/** Speaks to the CA without a library in between, so that wrong requests can be made. */
export class RawClient {
  readonly #agent: Agent;
  readonly origin: string;

  constructor(ca: { directoryUrl: string; rootPem: string }) {
    this.#agent = new Agent({ ca: ca.rootPem, keepAlive: true });
    this.origin = new URL(ca.directoryUrl).origin;
  }

  async send(
    method: string,
    url: string,
    body: { text?: string; contentType?: string } = {},
  ): Promise<RawReply> {
    const headers = { 'content-type': body.contentType ?? 'application/jose+json' };
    const outgoing = request(url, { method, agent: this.#agent, headers });
    outgoing.end(body.text);
    const [response] = await once(outgoing, 'response');
    let text = '';
    for await (const chunk of response) text += chunk;
    const isJson = response.headers['content-type']?.includes('json') === true;
    return {
      status: response.statusCode,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  }

  async nonce(): Promise<string> {
    const { headers } = await this.send('HEAD', `${this.origin}/acme/new-nonce`);
    return String(headers['replay-nonce']);
  }

  async post({ url, payload, header, kid, key }: SignedPost): Promise<RawReply> {
    const signer = kid === undefined ? { jwk: publicJwk(key) } : { kid };
    const fields = { alg: 'ES256', nonce: await this.nonce(), url, ...signer, ...header };
    return this.send('POST', url, { text: JSON.stringify(signJws(key, fields, payload)) });
  }

  /** A new account's key and URL. */
  async register(key: KeyObject = aKey()): Promise<{ key: KeyObject; kid: string }> {
    const url = `${this.origin}/acme/new-acct`;
    const { headers } = await this.post({ url, key, payload: { termsOfServiceAgreed: true } });
    return { key, kid: String(headers.location) };
  }

  close(): void {
    this.#agent.destroy();
  }
}

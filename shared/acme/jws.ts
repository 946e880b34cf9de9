import type { AccountSigner } from './account-key.ts';

/** A flattened JSON Web Signature (RFC 7515, 7.2.2), as RFC 8555, 6.2 wants request bodies. */
export interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

export interface JwsRequest {
  readonly url: string;
  /** null: the empty payload of POST-as-GET (RFC 8555, 6.3). */
  readonly payload: unknown;
  /** The account's URL; absent: the public key itself is sent. */
  readonly kid?: string | undefined;
  /** Absent in the inner JWS of a key change (RFC 8555, 7.3.5). */
  readonly nonce?: string | undefined;
}

export const encodePart = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url');

/** Failures: those of the signer. */
export async function signJws(signer: AccountSigner, { url, payload, kid, nonce }: JwsRequest): Promise<Jws> {
  const identity = kid === undefined ? { jwk: await signer.jwk() } : { kid };
  const parts = {
    protected: encodePart({ alg: signer.alg, ...identity, nonce, url }),
    payload: payload === null ? '' : encodePart(payload),
  };
  const signature = await signer.sign(Buffer.from(`${parts.protected}.${parts.payload}`));
  return { ...parts, signature: signature.toString('base64url') };
}

import { createHmac } from 'node:crypto';
import type { PublicJwk } from './account-key.ts';
import { encodePart, type Jws } from './jws.ts';

/** Credentials by which a CA knows its customer (RFC 8555, 7.3.4). */
export interface ExternalAccount {
  readonly kid: string;
  /** base64url, as the CA hands it out. */
  readonly hmacKey: string;
}

/** The binding of a new account's key to the customer's credentials. */
export function bindExternalAccount(
  { kid, hmacKey }: ExternalAccount,
  { newAccountUrl, jwk }: { newAccountUrl: string; jwk: PublicJwk },
): Jws {
  const header = encodePart({ alg: 'HS256', kid, url: newAccountUrl });
  const payload = encodePart(jwk);
  // Some CAs print the key in plain base64; Node's decoder takes both alphabets.
  const mac = createHmac('sha256', Buffer.from(hmacKey, 'base64url')).update(`${header}.${payload}`);
  return { protected: header, payload, signature: mac.digest('base64url') };
}

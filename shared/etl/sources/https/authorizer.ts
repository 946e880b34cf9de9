import type { Clock } from '../../../runtime/clock.ts';
import { Failure } from '../../../runtime/errors.ts';
import { type AccessToken, type OauthDefinition, requestToken } from './access-token.ts';
import type { HttpsClient } from './client.https.ts';
import type { HttpsDefinition } from './pagination.ts';

/** Gives each request what shows who asks. */
export interface Authorizer {
  headers(signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** Forgets what a 401 has refuted; false where there is nothing new to be had. */
  renew(): boolean;
}

export interface AuthorizerOptions {
  readonly auth: HttpsDefinition['auth'];
  /** The text of the secret that `auth` names. */
  readonly secret: string | undefined;
  /** To the token endpoint, for OAuth. */
  readonly tokenClient: HttpsClient | undefined;
  readonly clock: Clock;
}

/** @throws Failure `source-credential-invalid` (give-up): missing, or not fit for a header */
export function createAuthorizer({ auth, secret, tokenClient, clock }: AuthorizerOptions): Authorizer {
  if (!auth) return { headers: async () => ({}), renew: () => false };
  if (secret === undefined || !/^[\x20-\x7e]{1,8192}$/.test(secret) || secret.trim() !== secret) {
    const what = 'is missing, or holds line ends, outer spaces or characters that no header carries';
    throw invalid(auth.secret, what);
  }
  switch (auth.type) {
    case 'api-key':
      return fixed({ [auth.header.toLowerCase()]: secret });
    case 'bearer':
      return fixed({ authorization: `Bearer ${secret}` });
    case 'oauth-client-credentials':
      if (!tokenClient) throw invalid(auth.secret, 'cannot be used: no token endpoint was checked');
      return oauth(auth, { secret, client: tokenClient, clock });
  }
}

const fixed = (headers: Readonly<Record<string, string>>): Authorizer => ({
  headers: async () => headers,
  renew: () => false,
});

function oauth(
  auth: OauthDefinition,
  ports: { secret: string; client: HttpsClient; clock: Clock },
): Authorizer {
  let token: AccessToken | undefined;
  return {
    async headers(signal) {
      if (!token || ports.clock.now() >= token.renewAt)
        token = await requestToken(auth, { ...ports, signal });
      return { authorization: `Bearer ${token.text}` };
    },
    renew() {
      token = undefined;
      return true;
    },
  };
}

const invalid = (name: string, what: string) =>
  new Failure({
    code: 'source-credential-invalid',
    disposition: 'give-up',
    message: `the secret ${name} of the source ${what}; put it in again`,
  });

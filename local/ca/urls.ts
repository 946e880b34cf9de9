/** Where every resource lives; the paths have the shape of Boulder's. */
export function createUrls(origin: string) {
  const under = (folder: string) => (id: string) => `${origin}/acme/${folder}/${id}`;
  return {
    origin,
    directory: `${origin}/directory`,
    termsOfService: `${origin}/terms/v1`,
    profiles: `${origin}/docs/profiles`,
    rateLimits: `${origin}/docs/rate-limits`,
    unpause: (accountId: string) => `${origin}/sfe/v1/unpause?account=${accountId}`,
    newNonce: `${origin}/acme/new-nonce`,
    newAccount: `${origin}/acme/new-acct`,
    newOrder: `${origin}/acme/new-order`,
    keyChange: `${origin}/acme/key-change`,
    revokeCert: `${origin}/acme/revoke-cert`,
    renewalInfo: `${origin}/acme/renewal-info`,
    account: under('acct'),
    order: under('order'),
    finalize: under('finalize'),
    authorization: under('authz'),
    certificate: under('cert'),
    /** `chain` counts from 1; the certificate's own URL has the first chain. */
    alternateChain: (id: string, chain: number) => `${origin}/acme/cert/${id}/${chain}`,
    challenge: (authorizationId: string, type: string) => `${origin}/acme/chall/${authorizationId}/${type}`,
  };
}

export type Urls = ReturnType<typeof createUrls>;

/**
 * The account id in a `kid`; undefined when it is no account URL. The port is not compared: a CA that goes on
 * after a restart may have got another one, and the accounts are the same.
 */
export const accountIdOf = (kid: string): string | undefined =>
  /^https:\/\/127\.0\.0\.1:\d+\/acme\/acct\/([\w-]+)$/.exec(kid)?.[1];

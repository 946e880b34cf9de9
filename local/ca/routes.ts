import { createAccount, updateAccount } from './accounts.ts';
import type { AcmeReply, Authority } from './authority.ts';
import { handleAuthorization } from './authorizations.ts';
import { readCertificate, revokeCertificate } from './certificates.ts';
import { handleChallenge } from './challenges.ts';
import { showDirectory, showProfiles, showRateLimits, showTermsOfService } from './directory.ts';
import { finalizeOrder } from './finalization.ts';
import { changeKey } from './key-change.ts';
import { createOrder } from './new-order.ts';
import { readOrder } from './orders.ts';
import { showUnpausePage } from './pauses.ts';
import { notFound } from './problem.ts';
import { showRenewalInfo } from './renewal-info.ts';
import type { SignedRequest, SignerRule } from './signed-request.ts';

export interface OpenRequest {
  readonly method: string;
  /** What follows the first two segments. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** Used without a signature. */
interface OpenRoute {
  readonly resource: string;
  readonly methods: readonly ('GET' | 'HEAD' | 'POST')[];
  readonly show: (authority: Authority, request: OpenRequest) => AcmeReply;
}

/** Used with signed POSTs alone. */
interface SignedRoute {
  readonly resource: string;
  readonly methods: readonly ['POST'];
  readonly signer: SignerRule;
  readonly handle: (
    authority: Authority,
    request: SignedRequest,
    path: readonly string[],
  ) => AcmeReply | Promise<AcmeReply>;
}

export type Route = OpenRoute | SignedRoute;

const open = (
  resource: string,
  show: OpenRoute['show'],
  methods: OpenRoute['methods'] = ['GET', 'HEAD'],
): OpenRoute => ({ resource, methods, show });

const signed = (resource: string, signer: SignerRule, handle: SignedRoute['handle']): SignedRoute => ({
  resource,
  methods: ['POST'],
  signer,
  handle,
});

/** For resources that have an id in their URL. */
const byId =
  (handle: (authority: Authority, request: SignedRequest, id: string) => AcmeReply | Promise<AcmeReply>) =>
  (authority: Authority, request: SignedRequest, [id = '']: readonly string[]) =>
    handle(authority, request, id);

const routes: Readonly<Record<string, Route>> = {
  '/directory': open('directory', showDirectory),
  '/terms/v1': open('terms', showTermsOfService),
  '/docs/rate-limits': open('documents', showRateLimits),
  '/docs/profiles': open('documents', showProfiles),
  '/sfe/v1': open('unpause', showUnpausePage, ['GET', 'HEAD', 'POST']),
  // RFC 8555, 7.2: 200 for HEAD, 204 for GET.
  '/acme/new-nonce': open('newNonce', (_, { method }) => ({ status: method === 'HEAD' ? 200 : 204 })),
  '/acme/renewal-info': open('renewalInfo', showRenewalInfo),
  '/acme/new-acct': signed('newAccount', 'jwk', createAccount),
  '/acme/new-order': signed('newOrder', 'kid', createOrder),
  '/acme/key-change': signed('keyChange', 'kid', changeKey),
  '/acme/revoke-cert': signed('revokeCert', 'either', revokeCertificate),
  '/acme/acct': signed('account', 'kid', byId(updateAccount)),
  '/acme/order': signed('order', 'kid', byId(readOrder)),
  '/acme/finalize': signed('finalize', 'kid', byId(finalizeOrder)),
  '/acme/authz': signed('authorization', 'kid', byId(handleAuthorization)),
  '/acme/cert': signed('certificate', 'kid', readCertificate),
  '/acme/chall': signed('challenge', 'kid', (authority, request, [authorizationId = '', type = '']) =>
    handleChallenge(authority, request, { authorizationId, type }),
  ),
};

/** The resource at `pathname`, and what follows its first two segments. @throws AcmeProblem when there is none */
export function findRoute(pathname: string): { route: Route; path: readonly string[] } {
  const [, first = '', second, ...path] = pathname.split('/');
  const prefix = second === undefined ? `/${first}` : `/${first}/${second}`;
  const route = Object.hasOwn(routes, prefix) ? routes[prefix] : undefined;
  if (route === undefined) throw notFound(`there is nothing at ${pathname}`);
  return { route, path };
}

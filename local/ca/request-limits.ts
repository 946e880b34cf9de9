import type { Authority } from './authority.ts';
import type { LimitedResource } from './limits.ts';
import { AcmeProblem } from './problem.ts';

const ownRows: Readonly<Record<string, LimitedResource>> = {
  newNonce: 'newNonce',
  newAccount: 'newAccount',
  newOrder: 'newOrder',
  revokeCert: 'revokeCert',
  renewalInfo: 'renewalInfo',
  directory: 'directory',
};

/**
 * Let's Encrypt's limits on requests per second are kept by the load balancer in front of Boulder: it answers
 * before anyone reads the request, so there is no nonce in the answer and none is spent.
 * @throws AcmeProblem `rateLimited` with status 503
 */
export function spendRequest(
  { limitBook: { limits, buckets } }: Authority,
  request: { resource: string; pathname: string },
): void {
  const row = ownRows[request.resource] ?? (request.pathname.startsWith('/acme/') ? 'acme' : undefined);
  const rate = row && limits.requests?.[row];
  if (rate === undefined) return;
  const { burst, perSecond } = rate;
  if (buckets.take(`requests ${row}`, { burst, periodSeconds: burst / perSecond })) return;
  throw new AcmeProblem('rateLimited', 'Service busy; retry later.', {
    status: 503,
    limit: `requests.${row}`,
    headers: { 'retry-after': '1' },
    replayNonce: 'withheld',
  });
}

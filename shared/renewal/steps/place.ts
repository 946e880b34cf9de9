import { type Order, placeOrder } from '../../acme/order.ts';
import { sameNames } from '../../certificates/certificate.ts';
import { Failure } from '../../runtime/errors.ts';
import type { RenewalOrder } from '../renewal.ts';
import type { IssueStep } from './issue-step.ts';

/**
 * Places the order. That the renewal is stored at this step is the intent: a worker that finds it so cannot
 * know whether newOrder was sent, and sends it again; a CA that reuses orders answers with the same one, and
 * on any other only one of the two is ever finalized, since the URL is stored before anything follows.
 */
export const place: IssueStep = async ({ renewal, signal }, { ca }, memory) => {
  const { domains } = renewal.policy;
  const connection = await ca(signal);
  const order = await placeOrder(connection.session(signal), domains);
  if (!sameNames(order.domains, domains)) {
    throw new Failure({
      code: 'ca-protocol',
      disposition: 'retry',
      message: `the CA answered an order for ${domains.join(', ')} with one for ${order.domains.join(', ')}`,
    });
  }
  memory.order = order;
  return {
    kind: 'done',
    changes: { order: toRenewalOrder(order, connection.accountUrl ?? '') },
    next: order.status === 'ready' ? 'finalize-order' : 'select-challenges',
  };
};

const toRenewalOrder = (order: Order, accountUrl: string): RenewalOrder => ({
  url: order.url,
  accountUrl,
  finalizeUrl: order.finalizeUrl,
  authorizationUrls: order.authorizationUrls,
});

import { type Order, placeOrder } from '../../acme/order.ts';
import type { RenewalOrder } from '../renewal.ts';
import type { IssueStep } from './issue-step.ts';

/**
 * Places the order. That the renewal is stored at this step is the intent: a worker that finds it so cannot
 * know whether newOrder was sent, and sends it again; a CA that reuses orders answers with the same one, and
 * on any other only one of the two is ever finalized, since the URL is stored before anything follows.
 */
export const place: IssueStep = async ({ renewal, signal }, { ca }, memory) => {
  const connection = await ca(signal);
  const order = await placeOrder(connection.session(signal), renewal.policy.domains);
  memory.order = order;
  return {
    kind: 'done',
    changes: { directoryUrl: connection.directoryUrl, order: toRenewalOrder(order), challenges: [] },
    next: order.status === 'ready' ? 'finalize-order' : 'select-challenges',
  };
};

const toRenewalOrder = (order: Order): RenewalOrder => ({
  url: order.url,
  finalizeUrl: order.finalizeUrl,
  authorizationUrls: order.authorizationUrls,
});

import { fetchOrder, finalizeOrder, type Order } from '../../acme/order.ts';
import { describeProblem } from '../../acme/problem.ts';
import { Failure } from '../../runtime/errors.ts';
import type { StepOutcome } from '../step.ts';
import { type IssueStep, requireStagedKey, resumeOrder } from './issue-step.ts';

/**
 * Finalizes with the staged key's request. Resumed, it asks for the order first: the finalize may have been
 * sent and its answer lost, and a second one would be refused.
 */
export const finalize: IssueStep = async (context, ports, memory) => {
  const { resumed } = context;
  const { session, order: stored } = await resumeOrder(context, ports);
  if (resumed) {
    const seen = await fetchOrder(session, stored.url);
    memory.order = seen;
    if (seen.status !== 'ready') return routeByStatus(seen);
  }
  const { csrPem } = await requireStagedKey(context, ports, memory);
  const order = await finalizeOrder(session, stored, csrPem);
  memory.order = order;
  return routeByStatus(order);
};

/** Where an order of this status goes on. */
function routeByStatus(order: Order): StepOutcome {
  if (order.status === 'pending') return { kind: 'done', next: 'await-validation' };
  if (order.status !== 'invalid') return { kind: 'done', next: 'collect-certificate' };
  throw orderInvalid(order);
}

export const orderInvalid = (order: Order) =>
  new Failure({
    code: 'order-invalid',
    disposition: 'retry',
    message: `the CA gave up the order: ${order.problem ? describeProblem(order.problem) : 'no reason given'}`,
  });

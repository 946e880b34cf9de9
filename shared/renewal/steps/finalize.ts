import { fetchAuthorizations } from '../../acme/authorization.ts';
import { createCertificateRequest } from '../../acme/certificate-request.ts';
import type { AcmeSession } from '../../acme/connection.ts';
import { fetchOrder, finalizeOrder, type Order } from '../../acme/order.ts';
import { describeProblem } from '../../acme/problem.ts';
import type { StagedKey } from '../../certificates/vault.ts';
import { Failure } from '../../runtime/errors.ts';
import { orderedNames, type Renewal } from '../renewal.ts';
import type { StepOutcome } from '../step.ts';
import { type IssueStep, requireStagedKey, resumeOrder } from './issue-step.ts';
import { refuseFailed } from './validate.ts';

/**
 * Finalizes with the staged key's request. Resumed, it asks for the order first: the finalize may have been
 * sent and its answer lost, and a second one would be refused.
 */
export const finalize: IssueStep = async (context, ports, memory) => {
  const { resumed } = context;
  const { connection, session, order: stored } = await resumeOrder(context, ports);
  if (resumed) {
    const seen = await fetchOrder(session, stored.url);
    memory.order = seen;
    if (seen.status !== 'ready') return routeByStatus(session, seen);
  }
  const csrPem = await requestFor(context.renewal, await requireStagedKey(context, ports, memory));
  context.ensureTime();
  const order = await finalizeOrder(session, stored, csrPem);
  if (memory.firstLook === 'due') {
    memory.firstLook = 'taken';
    ports.patience.learn(connection.directoryUrl, 'validation', order ? 'done' : 'early');
    // Not asked why: the next look tells.
    if (!order) return { kind: 'done', next: 'await-validation' };
  }
  memory.order = order ?? (await fetchOrder(session, stored.url));
  return routeByStatus(session, memory.order);
};

/** Where an order of this status goes on. One that became invalid may have failed its validation. */
async function routeByStatus(session: AcmeSession, order: Order): Promise<StepOutcome> {
  if (order.status === 'pending') return { kind: 'done', next: 'await-validation' };
  if (order.status !== 'invalid') return { kind: 'done' };
  refuseFailed(await fetchAuthorizations(session, order.authorizationUrls));
  throw orderInvalid(order);
}

/** The request that was staged with the key; made anew, for the same key, where names are left out of the order. */
const requestFor = async (renewal: Renewal, { csrPem, privateKeyPem }: StagedKey): Promise<string> =>
  renewal.leftOut.length === 0 ? csrPem : createCertificateRequest(orderedNames(renewal), privateKeyPem);

export const orderInvalid = (order: Order) =>
  new Failure({
    code: 'order-invalid',
    disposition: 'retry',
    message: `the CA gave up the order: ${order.problem ? describeProblem(order.problem) : 'no reason given'}`,
  });

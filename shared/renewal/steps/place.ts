import { type Order, placeOrder } from '../../acme/order.ts';
import { AcmeFailure } from '../../acme/problem.ts';
import { describeRateLimit } from '../../acme/rate-limit.ts';
import { sameNames } from '../../certificates/certificate.ts';
import { secondsAfter } from '../../runtime/clock.ts';
import { Failure } from '../../runtime/errors.ts';
import { orderedNames, type RenewalOrder } from '../renewal.ts';
import type { StepContext, StepOutcome } from '../step.ts';
import { connectTo, type IssuePorts, type IssueStep, toDemand } from './issue-step.ts';
import { waitForLimit } from './reserve.ts';

/**
 * Places the order. That the renewal is stored at this step is the intent: a worker that finds it so cannot
 * know whether newOrder was sent, and sends it again; a CA that reuses orders answers with the same one, and
 * on any other only one of the two is ever finalized, since the URL is stored before anything follows.
 */
export const place: IssueStep = async (context, ports, memory) => {
  const { renewal, signal, resumed } = context;
  const domains = orderedNames(renewal);
  const { profile } = renewal.policy;
  const connection = await connectTo(renewal, ports, signal);
  if (resumed) {
    // The worker before may have sent newOrder: the CA counts both, also where it answers with the same order.
    const { kind } = await ports.limiter.reserve(toDemand(renewal));
    if (kind === 'denied') return { kind: 'done', next: 'reserve-limits' };
  }
  context.ensureTime();
  let order: Order;
  try {
    order = await placeOrder(connection.session(signal), { domains, profile, replaces: renewal.replaces });
  } catch (error) {
    return recoverFromRefusal(context, error, ports);
  }
  if (!sameNames(order.domains, domains) || !['pending', 'ready'].includes(order.status)) {
    throw new Failure({
      code: 'ca-protocol',
      disposition: 'retry',
      message: `the CA answered an order for ${domains.join(', ')} with a ${order.status} one for ${order.domains.join(', ')}`,
    });
  }
  memory.order = order;
  await ports.circuits.recordSuccess(connection.directoryUrl);
  const placed = { order: toRenewalOrder(order, connection.accountUrl ?? '') };
  // Born ready: its names were proven before, or the CA asks for no proof.
  const ready = order.status === 'ready' && !renewal.ca?.rehearsal;
  return { kind: 'done', changes: placed, next: ready ? 'finalize-order' : 'select-challenges' };
};

// What CAs answer to `replaces` they do not take: RFC 9773, 5, and Boulder, whose 404 is `malformed` by type.
const replacedRefusals: readonly string[] = ['alreadyReplaced', 'conflict', 'http-409'];
const replacesRefusals: readonly string[] = [...replacedRefusals, 'malformed', 'unauthorized', 'http-404'];

async function recoverFromRefusal(
  context: StepContext,
  error: unknown,
  ports: IssuePorts,
): Promise<StepOutcome> {
  const { renewal } = context;
  const { limiter, clock } = ports;
  if (!(error instanceof AcmeFailure)) throw error;
  const { type } = error.problem;
  // The order goes on without `replaces`: were one for these names open already, the CA answers with that.
  if (renewal.replaces && replacesRefusals.includes(type)) {
    // Boulder refuses it before it counts (wfe2 NewOrder). What replaces already may be this renewal's own order,
    // whose answer was lost, and that one was counted.
    if (!replacedRefusals.includes(type)) await limiter.release(toDemand(renewal), { orderCreated: false });
    return {
      kind: 'done',
      changes: { replaces: undefined, replacesRefused: type, reservedAs: undefined },
      next: 'reserve-limits',
    };
  }
  if (type !== 'rateLimited' || error.code === 'acme-paused') throw error;
  const demand = toDemand(renewal);
  const retryAfterSeconds = Math.min(error.retryAfterSeconds ?? defaultRetrySeconds, longestRetrySeconds);
  const { limit, names } = describeRateLimit(error.problem);
  // Boulder does not name the set it speaks of, which is this order's.
  const refused = limit === 'set' && names.length === 0 ? demand.domains : names;
  await limiter.learn(demand.ca, demand.account, { limit, names: refused, retryAfterSeconds });
  await limiter.release(demand, { orderCreated: false });
  // Whatever the limiter could learn: an exempt order, or one at a CA that publishes nothing, asks no bucket.
  const until = secondsAfter(clock.now(), retryAfterSeconds);
  const outcome = await waitForLimit(context, ports, { reason: error.message, until });
  return { ...outcome, changes: { ...outcome.changes, reservedAs: undefined } };
}

/** A limit that does not say when it frees is asked again after this long. */
const defaultRetrySeconds = 600;
/** No published limit refills slower than this; a longer Retry-After is a mistake. */
const longestRetrySeconds = 7 * 86_400;

const toRenewalOrder = (order: Order, accountUrl: string): RenewalOrder => ({
  url: order.url,
  accountUrl,
  finalizeUrl: order.finalizeUrl,
  authorizationUrls: order.authorizationUrls,
});

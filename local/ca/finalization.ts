import type { AcmeReply, Authority } from './authority.ts';
import { checkCsr, publicKeyOf } from './csr.ts';
import { decodeBase64url } from './jws.ts';
import { findOwnOrder, showOrder, statusOf } from './orders.ts';
import { AcmeProblem, asProblem } from './problem.ts';
import type { SignedRequest } from './signed-request.ts';
import type { OrderRecord } from './store.ts';

/** finalize (RFC 8555, 7.4): a good request makes the order `processing`; the certificate follows later. */
export async function finalizeOrder(
  authority: Authority,
  request: SignedRequest,
  id: string,
): Promise<AcmeReply> {
  requireReady(authority, findOwnOrder(authority, request, id));
  const csr = decodeBase64url(request.payload?.csr, 'csr');
  const order = findOwnOrder(authority, request, id);
  await checkCsr(csr, {
    names: order.names,
    accountKeyDer: request.key.publicKey.export({ type: 'spki', format: 'der' }),
  });
  // Two finalize requests may have been checked side by side: the first to come here takes the order.
  const ready = requireReady(authority, findOwnOrder(authority, request, id));
  const processing = authority.store.orders.put({
    ...ready,
    status: 'processing',
    csr: csr.toString('base64url'),
    issuanceDueAt: new Date(authority.clock.now().getTime() + authority.finalizeMillis).toISOString(),
  });
  if (authority.finalizeMillis > 0) issueInBackground(authority, processing);
  else await issueFor(authority, processing);
  return showOrder(authority, findOwnOrder(authority, request, id), 200);
}

function requireReady(authority: Authority, order: OrderRecord): OrderRecord {
  const status = statusOf(authority, order);
  if (status !== 'ready') throw new AcmeProblem('orderNotReady', `the order is ${status}, not ready`);
  return order;
}

/** Takes up the issuances that a process before this one began. */
export function resumeIssuances(authority: Authority): void {
  for (const order of authority.store.orders.values()) {
    if (order.status === 'processing') issueInBackground(authority, order);
  }
}

function issueInBackground(authority: Authority, order: OrderRecord): void {
  const { background, clock } = authority;
  background.start(async (signal) => {
    const waitMillis = Date.parse(order.issuanceDueAt ?? '') - clock.now().getTime();
    if (waitMillis > 0) await clock.sleep(waitMillis, signal);
    await issueFor(authority, order);
  });
}

/** Makes the order valid with its certificate, or invalid with the reason. */
async function issueFor(authority: Authority, order: OrderRecord): Promise<void> {
  const { store } = authority;
  try {
    const certificateId = await obtainCertificate(authority, order);
    store.orders.put({ ...order, status: 'valid', certificateId });
  } catch (error) {
    store.orders.put({ ...order, status: 'invalid', error: asProblem(error).document });
  }
}

async function obtainCertificate(authority: Authority, order: OrderRecord): Promise<string> {
  const { store, issuer, clock } = authority;
  // Killed between the certificate and the order: the certificate counts, a second one would be a duplicate.
  const issued = store.certificates.findNewest(order.id);
  if (issued !== undefined) return issued.id;
  const publicKey = publicKeyOf(Buffer.from(order.csr ?? '', 'base64url'));
  const { serial, chainPem } = await issuer.issue({ names: order.names, publicKey, now: clock.now() });
  const { accountId, id: orderId, names } = order;
  return store.certificates.put({ id: serial, accountId, orderId, names, chainPem }).id;
}

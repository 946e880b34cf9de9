import type { AcmeReply, Authority } from './authority.ts';
import { checkCsr, fingerprintOf } from './csr.ts';
import { decodeBase64url } from './jws.ts';
import { obtainCertificate } from './obtain-certificate.ts';
import { findOwnOrder, showOrder, statusOf } from './orders.ts';
import { AcmeProblem, asProblem } from './problem.ts';
import type { OrderRecord } from './records.ts';
import type { SignedRequest } from './signed-request.ts';

/** finalize (RFC 8555, 7.4): a good request makes the order `processing`; the certificate follows later. */
export async function finalizeOrder(
  authority: Authority,
  request: SignedRequest,
  id: string,
): Promise<AcmeReply> {
  requireReady(authority, findOwnOrder(authority, request, id));
  const csr = decodeBase64url(request.payload?.csr, 'csr');
  const order = findOwnOrder(authority, request, id);
  const publicKey = await checkCsr(csr, {
    names: order.names,
    accountKeyDer: request.key.publicKey.export({ type: 'spki', format: 'der' }),
  });
  // Two finalize requests may have been checked side by side: the first to come here takes the order.
  const ready = requireReady(authority, findOwnOrder(authority, request, id));
  await beginIssuance(authority, {
    ...ready,
    status: 'processing',
    publicKey: Buffer.from(publicKey.rawData).toString('base64url'),
    publicKeyFingerprint: fingerprintOf(publicKey),
  });
  return showOrder(authority, findOwnOrder(authority, request, id), 200);
}

function requireReady(authority: Authority, order: OrderRecord): OrderRecord {
  const status = statusOf(authority, order);
  if (status !== 'ready') throw new AcmeProblem('orderNotReady', `the order is ${status}, not ready`);
  return order;
}

/** Issues within the request where it takes no time, else in the background, or never. */
async function beginIssuance(authority: Authority, accepted: OrderRecord): Promise<void> {
  const { accountId, names } = accepted;
  const fault = authority.faults.takeIssuance({ resource: 'finalize', accountId, names });
  const issueAfterMillis = typeof fault === 'object' ? fault.issueAfterMillis : authority.finalizeMillis;
  const order = authority.store.orders.put({
    ...accepted,
    issuanceDueAt: new Date(authority.clock.now().getTime() + issueAfterMillis).toISOString(),
    ...(fault === undefined ? {} : { fault }),
  });
  if (fault === 'stuck-processing') return;
  if (issueAfterMillis > 0) issueInBackground(authority, order);
  else await issueFor(authority, order);
}

/** Takes up the issuances that a process before this one began. */
export function resumeIssuances(authority: Authority): void {
  for (const order of authority.store.orders.values()) {
    const waits = order.status === 'processing' && order.fault !== 'stuck-processing';
    if (waits) issueInBackground(authority, order);
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

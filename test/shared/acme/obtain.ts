import { answerChallenge, fetchAuthorizations } from '../../../shared/acme/authorization.ts';
import {
  createCertificateRequest,
  generateCertificateKey,
} from '../../../shared/acme/certificate-request.ts';
import { downloadChain } from '../../../shared/acme/chain-download.ts';
import type { AcmeConnection, AcmeSession } from '../../../shared/acme/connection.ts';
import {
  fetchOrder,
  finalizeOrder,
  type Order,
  type OrderRequest,
  placeOrder,
} from '../../../shared/acme/order.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';

const pollMillis = 20;
const patience = 500;

/** From newOrder to chain, as a renewal goes; `show` puts an http-01 proof where the CA looks for it. */
export async function obtain(
  connection: AcmeConnection,
  request: OrderRequest,
  show: (proof: { domain: string; token: string; keyAuthorization: string }) => void = () => undefined,
) {
  const session = connection.session(AbortSignal.timeout(120_000));
  const privateKeyPem = await generateCertificateKey('ecdsa-p256');
  const csrPem = await createCertificateRequest(request.domains, privateKeyPem);
  const order = await placeOrder(session, request);
  if (order.status === 'pending') {
    for (const { domain, status, challenges } of await fetchAuthorizations(
      session,
      order.authorizationUrls,
    )) {
      const challenge = challenges.find(({ type }) => type === 'http-01');
      if (status !== 'pending' || !challenge) continue;
      const { token, url } = challenge;
      show({ domain, token, keyAuthorization: session.keyAuthorization(token) });
      await answerChallenge(session, url);
    }
    // As long as validation takes: asking earlier wastes a request.
    await systemClock.sleep(5 * pollMillis);
    await pollUntil(session, order, 'ready');
  }
  const finalized = await finalizeOrder(session, order, csrPem);
  if (!finalized) throw new Error('the order was not ready');
  const { certificateUrl = '' } =
    finalized.status === 'valid' ? finalized : await pollUntil(session, order, 'valid');
  return { order, privateKeyPem, certificateUrl, ...(await downloadChain(session, certificateUrl)) };
}

async function pollUntil(session: AcmeSession, { url }: Order, status: string): Promise<Order> {
  for (let polls = 0; polls < patience; polls++) {
    const order = await fetchOrder(session, url);
    if (order.status === status) return order;
    if (order.status === 'invalid') throw new Error(JSON.stringify(order.problem));
    await systemClock.sleep(pollMillis);
  }
  throw new Error(`${url} did not become ${status}`);
}

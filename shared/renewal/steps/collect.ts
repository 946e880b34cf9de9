import { checkIssuedChain } from '../../acme/issued-chain.ts';
import { downloadChain, fetchOrder } from '../../acme/order.ts';
import { chooseRenewalTime } from '../../certificates/due.ts';
import { Failure } from '../../runtime/errors.ts';
import { pollSeconds } from '../step.ts';
import { orderInvalid } from './finalize.ts';
import { type IssueStep, requireOrder, requireStagedKey } from './issue-step.ts';

/** Waits for the certificate, checks it against the request, and promotes key and chain together. */
export const collectCertificate: IssueStep = async (context, ports, memory) => {
  const { renewal, signal, polls } = context;
  const connection = await ports.ca(signal);
  const session = connection.session(signal);
  const stored = requireOrder(context, connection);
  // finalize's own answer counts as the first look.
  const answered = memory.order;
  const order = answered ?? (await fetchOrder(session, stored.url));
  memory.order = undefined;
  if (order.status === 'invalid') throw orderInvalid(order);
  // Right after finalize a CA may still say `ready`; only a later look that says so sends finalize again.
  const unfinalized = order.status === 'ready' || order.status === 'pending';
  if (unfinalized && !answered) return { kind: 'done', next: 'finalize-order' };
  if (unfinalized || order.status === 'processing' || !order.certificateUrl) {
    return {
      kind: 'wait',
      seconds: pollSeconds(polls, order.retryAfterSeconds),
      reason: 'the CA is issuing',
    };
  }
  const { privateKeyPem } = await requireStagedKey(context, ports, memory);
  const fullchainPem = await downloadChain(session, order.certificateUrl);
  const { domains, keyType } = renewal.policy;
  const issued = checkIssuedChain(fullchainPem, { domains, privateKeyPem, now: ports.clock.now() });
  const { generation } = renewal;
  await ports.vault.promote(renewal.certificateName, { generation, privateKeyPem, fullchainPem });
  return { kind: 'done', changes: { issued: { ...issued, generation, keyType } } };
};

/** Makes the issued certificate the current one and sets when it is due again. */
export const recordCertificate: IssueStep = async ({ renewal }, { certificates }) => {
  const { issued, policy, certificateName: name } = renewal;
  if (!issued) {
    throw new Failure({
      code: 'unexpected',
      disposition: 'bug',
      message: `${name} has no issued certificate to record`,
    });
  }
  await certificates.recordIssued({ name, issued, nextActionAt: chooseRenewalTime(issued, policy) });
  return { kind: 'done' };
};

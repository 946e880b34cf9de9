import { checkIssuedChain } from '../../acme/issued-chain.ts';
import { downloadChain, fetchOrder } from '../../acme/order.ts';
import { chooseRenewalTime, findDueReason } from '../../certificates/due.ts';
import { Failure } from '../../runtime/errors.ts';
import { pollSeconds } from '../step.ts';
import { orderInvalid } from './finalize.ts';
import { type IssueStep, requireStagedKey, resumeOrder } from './issue-step.ts';

/** Waits for the certificate, checks it against the request, and promotes key and chain together. */
export const collectCertificate: IssueStep = async (context, ports, memory) => {
  const { renewal, polls } = context;
  const { session, order: stored } = await resumeOrder(context, ports);
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

/** Concurrent changes of a policy that may come between reading and writing. */
const recordAttempts = 5;

/**
 * Makes the issued certificate the current one and sets when it is due again, by the policy of this moment: one
 * that changed while the CA worked may make it due at once.
 */
export const recordCertificate: IssueStep = async ({ renewal }, { certificates, clock }) => {
  const { issued, certificateName: name } = renewal;
  if (!issued) {
    throw new Failure({
      code: 'unexpected',
      disposition: 'bug',
      message: `${name} has no issued certificate to record`,
    });
  }
  for (let attempt = 0; attempt < recordAttempts; attempt++) {
    const read = await certificates.get(name);
    if (!read || (read.current?.generation ?? 0) >= issued.generation) return { kind: 'done' };
    const now = clock.now();
    const due = findDueReason({ ...read, current: issued }, { now, nextTickAt: now });
    const nextActionAt = due ? now : chooseRenewalTime(issued, read.policy);
    if (await certificates.recordIssued({ read, issued, nextActionAt })) return { kind: 'done' };
  }
  throw new Failure({
    code: 'certificate-busy',
    disposition: 'retry',
    message: `the record of ${name} changed ${recordAttempts} times while its certificate was to be recorded`,
  });
};

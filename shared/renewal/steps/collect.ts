import { certificateIdOf } from '../../acme/certificate-id.ts';
import { downloadChain } from '../../acme/chain-download.ts';
import { checkIssuedChain } from '../../acme/issued-chain.ts';
import { fetchOrder, type Order } from '../../acme/order.ts';
import { chooseNextLook, findDueReason } from '../../certificates/due.ts';
import { Failure } from '../../runtime/errors.ts';
import { orderedNames } from '../renewal.ts';
import { pollSeconds } from '../step.ts';
import { addWarnings } from '../warnings.ts';
import { orderInvalid } from './finalize.ts';
import { type IssueStep, requireStagedKey, resumeOrder, toDemand } from './issue-step.ts';

/** Polls the order until the CA has issued; across invocations where it takes long. */
export const awaitIssuance: IssueStep = async (context, ports, memory) => {
  const { polls } = context;
  // finalize's own answer counts as the first look.
  const answered = memory.order;
  memory.order = undefined;
  const { connection, session, order: stored } = await resumeOrder(context, ports);
  const { directoryUrl } = connection;
  const { patience } = ports;
  const order = answered ?? (await fetchOrder(session, stored.url));
  if (order.status === 'invalid') throw orderInvalid(order);
  if (!answered && polls === 1)
    patience.learn(directoryUrl, 'issuance', order.status === 'processing' ? 'early' : 'done');
  // Right after finalize a CA may still say `ready`; only a later look that says so sends finalize again.
  const unfinalized = order.status === 'ready' || order.status === 'pending';
  if (unfinalized && !answered) {
    if (memory.finalizeRepeated) throw finalizeIgnored(order);
    memory.finalizeRepeated = true;
    return { kind: 'done', next: 'finalize-order' };
  }
  if (order.status === 'valid' && order.certificateUrl) {
    memory.order = order;
    return { kind: 'done' };
  }
  const seconds = pollSeconds(polls, order.retryAfterSeconds, patience.secondsFor(directoryUrl, 'issuance'));
  return { kind: 'wait', seconds, reason: 'the CA is issuing' };
};

const finalizeIgnored = ({ url, status }: Order) =>
  new Failure({
    code: 'finalize-ignored',
    disposition: 'retry',
    message: `the CA takes finalize, and leaves the order ${url} ${status}; ask the CA if that lasts`,
  });

/** Downloads the chain, checks it against the request, and promotes key and chain together. */
export const collectCertificate: IssueStep = async (context, ports, memory) => {
  const { renewal } = context;
  const { connection, session, order: stored } = await resumeOrder(context, ports);
  const { status, certificateUrl } = memory.order ?? (await fetchOrder(session, stored.url));
  if (status !== 'valid' || !certificateUrl) return { kind: 'done', next: 'finalize-order' };
  const { privateKeyPem } = await requireStagedKey(context, ports, memory);
  const { generation, leftOut, certificateName } = renewal;
  const { keyType, preferredChain, profile } = renewal.policy;
  const { pem: fullchainPem, matched } = await downloadChain(session, certificateUrl, { preferredChain });
  const warnings = [
    ...(matched ? [] : [`the CA offers no chain of ${preferredChain}; its default is used`]),
    ...(leftOut.length > 0 ? [`left out, since they kept failing validation: ${leftOut.join(', ')}`] : []),
  ];
  const domains = orderedNames(renewal);
  const chain = checkIssuedChain(fullchainPem, { domains, privateKeyPem, now: ports.clock.now() });
  const { directoryUrl, accountUrl = '' } = connection;
  await ports.vault.promote(certificateName, { generation, privateKeyPem, fullchainPem, directoryUrl });
  // Only where the CA answers for it: what has no identifier is not asked about.
  const announced = (await session.renewalInfoUrl()) !== undefined;
  const certificateId = announced ? certificateIdOf(fullchainPem) : undefined;
  return {
    kind: 'done',
    changes: {
      warnings: addWarnings(renewal.warnings, warnings),
      issued: {
        ...chain,
        generation,
        keyType,
        issuedBy: { directoryUrl, accountUrl, certificateId, profile },
        ...(leftOut.length > 0 && { leftOut }),
      },
    },
  };
};

/** Concurrent changes of a policy that may come between reading and writing. */
const recordAttempts = 5;

/**
 * Makes the issued certificate the current one and sets when it is due again, by the policy of this moment: one
 * that changed while the CA worked may make it due at once.
 */
export const recordCertificate: IssueStep = async (context, { certificates, clock, limiter }) => {
  const { renewal } = context;
  const { issued, certificateName: name } = renewal;
  if (!issued) {
    throw new Failure({
      code: 'unexpected',
      disposition: 'bug',
      message: `${name} has no issued certificate to record`,
    });
  }
  // The CA counts what it issued; whoever records twice counts once too many, never too few.
  await limiter.commit(toDemand(renewal));
  for (let attempt = 0; attempt < recordAttempts; attempt++) {
    // What was read at the claim will do where nobody has changed it since, which the store checks.
    const read = attempt === 0 && context.certificate ? context.certificate : await certificates.get(name);
    if (!read || (read.current?.generation ?? 0) >= issued.generation) return { kind: 'done' };
    const now = clock.now();
    const due = findDueReason({ ...read, current: issued }, { now, nextTickAt: now });
    const nextActionAt = due ? now : chooseNextLook({ ...read, current: issued, advice: undefined });
    if (await certificates.recordIssued({ read, issued, nextActionAt })) return { kind: 'done' };
  }
  throw new Failure({
    code: 'certificate-busy',
    disposition: 'retry',
    message: `the record of ${name} changed ${recordAttempts} times while its certificate was to be recorded`,
  });
};

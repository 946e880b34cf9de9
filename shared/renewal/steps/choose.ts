import { findAuthority } from '../../acme/catalogue.ts';
import { Failure } from '../../runtime/errors.ts';
import { rankAuthorities } from '../authorities.ts';
import { openUntil } from '../circuit.ts';
import { type CaDecision, type CaSituation, decideCa } from '../decide-ca.ts';
import { orderedNames, type Renewal } from '../renewal.ts';
import type { StepContext } from '../step.ts';
import type { IssuePorts, IssueStep } from './issue-step.ts';

/**
 * Chooses the CA that is asked, and what the order is to replace. After a failed validation the chosen CA's
 * staging one is asked first, where failures cost nothing.
 */
export const chooseCa: IssueStep = async (context, ports) => {
  const { renewal } = context;
  const decision = await lookForCa(renewal, ports);
  if (decision.kind === 'none') {
    if (decision.freeAt) return { kind: 'rest', until: decision.freeAt, reason: decision.reason };
    throw new Failure({
      code: 'no-ca-available',
      disposition: 'give-up',
      message: `no CA can issue ${renewal.certificateName}: ${decision.reason}`,
    });
  }
  const { directoryUrl, staging } = decision.authority;
  if (renewal.rehearse && staging) {
    const rehearsal = { directoryUrl: findAuthority(staging).directoryUrl, rehearsal: true };
    return { kind: 'done', changes: { ca: rehearsal, replaces: undefined, reservedAs: undefined } };
  }
  return {
    kind: 'done',
    changes: {
      ca: { directoryUrl, reason: decision.reason, rehearsal: false },
      replaces: await findReplaced(context, directoryUrl, ports),
      reservedAs: undefined,
    },
  };
};

/** What decideCa says with everything that is known at this moment. */
export async function lookForCa(renewal: Renewal, ports: IssuePorts): Promise<CaDecision> {
  const { authorities, circuits, clock } = ports;
  const preferred = rankAuthorities(authorities, renewal.policy.ca);
  const open: [string, { until: Date; reason: string }][] = [];
  for (const { directoryUrl } of preferred) {
    const circuit = await circuits.read(directoryUrl);
    const until = openUntil(circuit);
    if (circuit && until)
      open.push([directoryUrl, { until, reason: `it is out of order (${circuit.reason})` }]);
  }
  const situation: CaSituation = {
    preferred,
    wanted: { ...renewal.policy, domains: orderedNames(renewal) },
    passedOver: renewal.passedOver,
    openUntil: new Map(open),
    now: clock.now(),
  };
  return decideCa(situation);
}

/** RFC 9773, 5: only a certificate of the same account at the same CA is replaced. */
async function findReplaced(
  { renewal, certificate, signal }: StepContext,
  directoryUrl: string,
  { authorities }: IssuePorts,
): Promise<string | undefined> {
  const issuedBy = certificate?.current?.issuedBy;
  if (!issuedBy?.certificateId || issuedBy.directoryUrl !== directoryUrl) return undefined;
  if (renewal.replacesRefused) return undefined;
  const { accountUrl } = await authorities.connect(directoryUrl, signal);
  return issuedBy.accountUrl === accountUrl ? issuedBy.certificateId : undefined;
}

import { type CertificateAuthority, findAuthority } from '../acme/catalogue.ts';
import type { TrackedCertificate } from '../certificates/certificate.ts';
import type { Demand } from '../limits/demand.ts';
import { Failure } from '../runtime/errors.ts';
import { deploymentAccount, limitsNameOf, rankPermitted } from './authorities.ts';
import { decideCa } from './decide-ca.ts';
import { decideExemption } from './exemption.ts';
import { orderedNames, type PassedOver, type Renewal, renewalKey } from './renewal.ts';

/** What a candidate is judged by, beside its certificate. */
export interface Circumstances {
  readonly now: Date;
  /** The deployment's CAs in order of preference. */
  readonly preferred: readonly CertificateAuthority[];
  readonly open?: Renewal | undefined;
  /** CAs that are not asked, in addition to those the open renewal passes over. */
  readonly passedOver?: readonly PassedOver[] | undefined;
}

/**
 * The CA that the next order of a certificate goes to, as its worker will choose it: the one its open renewal has
 * chosen, else the first in order of preference that can issue it. Whether a CA is out of order only the worker
 * looks up. Undefined too where a CA is named that may not be asked, which its worker reports.
 */
export function chooseAuthority(
  { policy }: Pick<TrackedCertificate, 'policy'>,
  { now, preferred, open, passedOver = [] }: Circumstances,
): CertificateAuthority | undefined {
  if (open?.ca && open.step !== 'choose-ca') return findKnown(open.ca.directoryUrl);
  const ranked = rankPermitted({ preferred }, policy.ca);
  if (!ranked) return undefined;
  const wanted = open ? { ...policy, domains: orderedNames(open) } : policy;
  const skipped = [...(open?.passedOver ?? []), ...passedOver];
  const decision = decideCa({ preferred: ranked, wanted, passedOver: skipped, openUntil: new Map(), now });
  const chosen = decision.kind === 'chosen' ? decision.authority : undefined;
  return open?.rehearse && chosen?.staging ? findAuthority(chosen.staging) : chosen;
}

/** A row of the catalogue may go while certificates still name it. */
export function findKnown(idOrDirectoryUrl: string): CertificateAuthority | undefined {
  try {
    return findAuthority(idOrDirectoryUrl);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** What the next renewal of a certificate asks of a CA's limits. */
export function chooseDemand(
  { name, policy, generation, current, advice }: TrackedCertificate,
  authority: CertificateAuthority,
  { now, open }: Pick<Circumstances, 'now' | 'open'>,
): Demand {
  const domains = open ? orderedNames(open) : policy.domains;
  const { directoryUrl } = authority;
  const replaces = current?.issuedBy?.certificateId;
  return {
    ca: limitsNameOf(authority),
    account: deploymentAccount,
    domains,
    exemption: decideExemption({ current, advice }, { domains, directoryUrl, replaces, now }),
    holder: renewalKey(open ?? { certificateName: name, generation: generation + 1 }),
  };
}

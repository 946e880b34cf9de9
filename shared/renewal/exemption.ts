import { sameNames, type TrackedCertificate } from '../certificates/certificate.ts';
import type { Demand } from '../limits/demand.ts';
import { secondsAfter } from '../runtime/clock.ts';

export type Exemption = Demand['exemption'];

/** Boulder takes an order for the names of a certificate this old as its renewal. */
const sameSetSeconds = 120 * 86_400;

/**
 * Which of Let's Encrypt's renewal exemptions an order has (docs/rate-limits, "Limit Exemptions for Renewals";
 * Boulder's ra and sa for what the page leaves open): with `replaces` inside the suggested window every limit is
 * waived; for exactly the names of a certificate of the last 120 days, those on orders and registered domains.
 */
export function decideExemption(
  certificate: Pick<TrackedCertificate, 'current' | 'advice'> | undefined,
  order: {
    readonly domains: readonly string[];
    readonly directoryUrl: string;
    readonly replaces?: string | undefined;
    readonly now: Date;
  },
): Exemption {
  const { current, advice } = certificate ?? {};
  const { directoryUrl, replaces, now } = order;
  if (current?.issuedBy?.directoryUrl !== directoryUrl) return 'none';
  const window = advice?.certificateId === replaces ? advice?.window : undefined;
  const sameSet = sameNames(current.domains, order.domains);
  const announced = replaces && window && window.start <= now && now < window.end;
  if (announced) return sameSet ? 'ari' : 'ari-changed-set';
  const recent = secondsAfter(current.notBefore, sameSetSeconds) > now;
  return recent && sameSet ? 'same-set' : 'none';
}

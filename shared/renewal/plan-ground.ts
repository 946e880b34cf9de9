import type { CertificateAuthority } from '../acme/catalogue.ts';
import type { Bucket } from '../limits/bucket.ts';
import { ordersKey } from '../limits/bucket-keys.ts';
import { metersOf } from '../limits/demand.ts';
import type { CaLimits } from '../limits/published-limits.ts';
import { deploymentAccount, limitsNameOf } from './authorities.ts';
import type { Candidate } from './candidates.ts';
import type { PlanPorts } from './schedule-ports.ts';

export interface PlanGround {
  /** The buckets of the candidates' demands; one that is missing is full. */
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly limitsFor: (ca: string) => CaLimits;
  /** The deployment's CAs in order of preference. */
  readonly preferred: readonly CertificateAuthority[];
  readonly now: Date;
}

/** When a candidate may place its order. */
export interface Place<Item> {
  readonly item: Item;
  /** The planning instant itself when it may go at once. */
  readonly at: Date;
  /** The key of the bucket it waits for. */
  readonly bucket?: string | undefined;
}

/**
 * Reads the buckets a plan for these candidates depends on: for a CA that publishes no limits only the one that
 * may be held off. What a name that was never ordered may have in its own buckets is left to the reservation.
 */
export async function readGround(
  candidates: readonly Candidate[],
  now: Date,
  { buckets, limitsFor, preferred }: Pick<PlanPorts, 'buckets' | 'limitsFor' | 'preferred'>,
): Promise<PlanGround> {
  const keys = new Set<string>();
  // Another CA may have to stand in; what its buckets of names hold is left to the reservation as well.
  for (const authority of preferred) keys.add(ordersKey(limitsNameOf(authority), deploymentAccount));
  for (const { demand, certificate } of candidates)
    for (const { kind, key } of metersOf(demand, limitsFor(demand.ca)))
      if (certificate.generation > 0 || kind === 'domain' || kind === 'orders') keys.add(key);
  return {
    buckets: candidates.length > 0 ? await buckets.read([...keys]) : new Map(),
    limitsFor,
    preferred,
    now,
  };
}

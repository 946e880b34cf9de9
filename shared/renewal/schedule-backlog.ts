import type { TrackedCertificate } from '../certificates/certificate.ts';
import { dueShards } from '../certificates/due-index.ts';
import { fulfilled, settleBounded } from '../runtime/concurrency.ts';
import { type Candidate, isUnreserved, lookAt, type Tick, toCandidate } from './candidates.ts';
import type { Renewal, RenewalId } from './renewal.ts';
import type { PlanPorts } from './schedule-ports.ts';
import type { DueRenewal } from './store.ts';

/** What was found for one item of the due indexes or of a selection. */
export type Found =
  | { readonly kind: 'candidate'; readonly candidate: Candidate }
  /** Nothing to plan: its renewal goes on where it stands. */
  | { readonly kind: 'under-way'; readonly renewal: DueRenewal }
  /** The certificate's time has come while its renewal is open, which has a time of its own. */
  | { readonly kind: 'open'; readonly certificate: TrackedCertificate; readonly open: Renewal }
  /** A person wants its renewal to go on at once. */
  | { readonly kind: 'asleep'; readonly open: Renewal }
  | { readonly kind: 'poll'; readonly certificate: TrackedCertificate }
  | { readonly kind: 'wait'; readonly certificate: TrackedCertificate; readonly until: Date };

export interface Backlog {
  readonly found: readonly Found[];
  /** What could not be looked at, beside everything that could. */
  readonly failures: readonly PromiseSettledResult<unknown>[];
  /** A shard held more than the limit, and something of it can be worked off now. */
  readonly more: boolean;
}

const shardsAtOnce = 4;
const itemsAtOnce = 8;

/**
 * Everything due before the next tick, at most `limitPerShard` certificates and as many renewals of each shard.
 * Cost follows what is due, not the fleet.
 */
export async function gatherDue(tick: Tick, limitPerShard: number, ports: PlanPorts): Promise<Backlog> {
  const shards = await settleBounded(dueShards, shardsAtOnce, async (shard) => {
    const limit = limitPerShard;
    const certificates = await ports.certificates.findDue({ shard, until: tick.nextTickAt, limit });
    const renewals = await ports.renewals.findDue({ shard, until: tick.now, limit });
    const resumed = await settleBounded(renewals, itemsAtOnce, (due) => lookAtRenewal(due, tick, ports));
    const looked = await settleBounded(certificates, itemsAtOnce, (certificate) =>
      lookAtCertificate(certificate, tick, ports),
    );
    const results = [...resumed, ...looked];
    const full = certificates.length >= limit || renewals.length >= limit;
    return { results, more: full && fulfilled(results).some((found) => found !== undefined) };
  });
  const results = fulfilled(shards).flatMap((shard) => shard.results);
  return {
    found: fulfilled(results).filter((found) => found !== undefined),
    failures: [...shards, ...results].filter(({ status }) => status === 'rejected'),
    more: fulfilled(shards).some(({ more }) => more),
  };
}

/** By what the index says of it, which may lag: every change is conditional on the nextActionAt read here. */
export async function lookAtCertificate(
  certificate: TrackedCertificate,
  tick: Tick,
  ports: PlanPorts,
): Promise<Found | undefined> {
  const look = lookAt(certificate, tick);
  if (look.kind === 'planned') return undefined;
  if (look.kind === 'poll') return { kind: 'poll', certificate };
  if (look.kind === 'wait') return { kind: 'wait', certificate, until: look.until };
  const { preferred } = ports;
  const open = await findOpenRenewal(certificate, ports);
  if (open) return { kind: 'open', certificate, open };
  return {
    kind: 'candidate',
    candidate: toCandidate(certificate, look.reason, { now: tick.now, preferred }),
  };
}

/** The newest generation's renewal while it has not ended: it, and no second one, serves whatever is due. */
export async function findOpenRenewal(
  { name, generation, current }: TrackedCertificate,
  { renewals }: Pick<PlanPorts, 'renewals'>,
): Promise<Renewal | undefined> {
  if (generation === 0 || current?.generation === generation) return undefined;
  const newest = await renewals.get({ certificateName: name, generation });
  return newest && !newest.outcome ? newest : undefined;
}

/** An open renewal whose time has come: one that has its share of the limits goes on, another asks for it. */
async function lookAtRenewal(due: DueRenewal, { now }: Tick, ports: PlanPorts): Promise<Found | undefined> {
  const underWay: Found = { kind: 'under-way', renewal: due };
  if (!isUnreserved(due.step)) return underWay;
  const [open, certificate] = await Promise.all([
    ports.renewals.get(due),
    ports.certificates.get(due.certificateName),
  ]);
  if (!open || open.outcome || open.nextActionAt?.getTime() !== due.nextActionAt.getTime()) return undefined;
  // Its worker finds that it is no longer wanted, and ends it.
  const unwanted = certificate?.state !== 'tracked' || isServed(certificate, due);
  if (unwanted || !isUnreserved(open.step)) return underWay;
  const { preferred } = ports;
  return {
    kind: 'candidate',
    candidate: toCandidate(certificate, open.reason, { now, preferred, open }),
  };
}

const isServed = ({ current }: TrackedCertificate, { generation }: RenewalId): boolean =>
  (current?.generation ?? 0) >= generation;

export const candidatesOf = ({ found }: Backlog): Candidate[] =>
  found.flatMap((each) => (each.kind === 'candidate' ? [each.candidate] : []));

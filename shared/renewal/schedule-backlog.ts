import { type CertificatePolicy, sameNames, type TrackedCertificate } from '../certificates/certificate.ts';
import { chooseRenewalTime, findDueReason } from '../certificates/due.ts';
import { dueShards } from '../certificates/due-index.ts';
import { secondsAfter } from '../runtime/clock.ts';
import { fulfilled, settleBounded } from '../runtime/concurrency.ts';
import { type Candidate, isUnreserved, lookAt, type Tick, toCandidate } from './candidates.ts';
import type { Renewal, RenewalId } from './renewal.ts';
import type { PlanPorts } from './schedule-ports.ts';
import type { DueRenewal } from './store.ts';

/** What was found for one item of the due indexes or of a selection. */
export type Found =
  | { readonly kind: 'candidate'; readonly candidate: Candidate }
  /** An earlier tick has given it a place, which has not come. */
  | { readonly kind: 'placed'; readonly candidate: Candidate }
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
    return { results, more: full && fulfilled(results).some((found) => found && found.kind !== 'placed') };
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
  if (look.kind === 'planned') return toPlaced(certificate, tick, ports);
  if (look.kind === 'poll') return { kind: 'poll', certificate };
  if (look.kind === 'wait') return { kind: 'wait', certificate, until: look.until };
  const { preferred } = ports;
  const open = await findOpenRenewal(certificate, ports);
  // What the CA has paused goes on when its cause was taken out of the inventory.
  if (open?.pausedAt && isMended(open.policy, certificate.policy)) return { kind: 'asleep', open };
  if (open) return { kind: 'open', certificate, open };
  const believedAt = look.reason.code === 'announced' && (await findBelievedAt(certificate, tick, ports));
  if (believedAt && believedAt > tick.nextTickAt) return { kind: 'wait', certificate, until: believedAt };
  return {
    kind: 'candidate',
    candidate: toCandidate(certificate, look.reason, { now: tick.now, preferred }),
  };
}

const isMended = (paused: CertificatePolicy, wanted: CertificatePolicy): boolean =>
  !sameNames(paused.domains, wanted.domains) || paused.ca !== wanted.ca;

function toPlaced(
  certificate: TrackedCertificate,
  tick: Tick,
  { preferred }: Pick<PlanPorts, 'preferred'>,
): Found | undefined {
  const reason = findDueReason(certificate, tick);
  if (!reason) return undefined;
  return { kind: 'placed', candidate: toCandidate(certificate, reason, { now: tick.now, preferred }) };
}

const daySeconds = 86_400;

/**
 * When an announcement is believed that came for the last renewal, too: a day after that one. A CA whose windows
 * have always passed would otherwise have each certificate renewed as soon as it is issued, for ever. What is due
 * without it does not wait.
 */
async function findBelievedAt(
  certificate: TrackedCertificate,
  tick: Tick,
  { renewals }: Pick<PlanPorts, 'renewals'>,
): Promise<Date | undefined> {
  const { name, current, policy } = certificate;
  if (!current || findDueReason({ ...certificate, advice: undefined }, tick)) return undefined;
  const last = await renewals.get({ certificateName: name, generation: current.generation });
  if (last?.reason.code !== 'announced') return undefined;
  const believedAt = secondsAfter(last.openedAt, daySeconds);
  const dueAnyway = chooseRenewalTime(current, policy);
  return believedAt < dueAnyway ? believedAt : dueAnyway;
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

import { ordersKey } from '../limits/bucket-keys.ts';
import { secondsAfter } from '../runtime/clock.ts';
import { throwFirstFailure } from '../runtime/concurrency.ts';
import { deploymentAccount, limitsNameOf } from './authorities.ts';
import type { Candidate } from './candidates.ts';
import { planAdmissions } from './plan.ts';
import { type Place, readGround } from './plan-ground.ts';
import { type PlanReport, reportPlan } from './plan-report.ts';
import { type Backlog, candidatesOf } from './schedule-backlog.ts';
import type { PlanPorts, Selection } from './schedule-ports.ts';
import { gather } from './schedule-selection.ts';

export interface PlanOptions {
  readonly tickSeconds: number;
  /** Also what falls due within so many hours, or has its place in the plan by then. */
  readonly dueWithinHours: number;
  readonly selection?: Selection | undefined;
}

/** A fleet is larger than any of its shards. */
const wholeShard = 10_000_000;

/**
 * The plan of the whole backlog, as the next ticks would carry it out if nothing else came; changes nothing.
 * Cost follows what is due.
 * @throws Failure `unknown-certificate`; whatever kept a part of the backlog from being read
 */
export async function planRenewals(options: PlanOptions, ports: PlanPorts): Promise<PlanReport> {
  const now = ports.clock.now();
  const nextTickAt = secondsAfter(now, options.tickSeconds);
  const horizonAt = secondsAfter(nextTickAt, options.dueWithinHours * 3600);
  const { selection } = options;
  const backlog = await gather(
    { now, nextTickAt: horizonAt },
    { limitPerShard: wholeShard, selection },
    ports,
  );
  throwFirstFailure(backlog.failures);
  const candidates = candidatesOf(backlog).map((each) => startingWhenDue(each, nextTickAt));
  const { places } = planAdmissions(candidates, await readGround(candidates, now, ports));
  const count = (kind: string) => backlog.found.filter((found) => found.kind === kind).length;
  const placed = options.dueWithinHours > 0 ? placedBefore(backlog) : [];
  return reportPlan([...places, ...placed], {
    now,
    underWay: count('under-way') + count('asleep'),
    pollsDue: count('poll'),
    bookedUntil: await findBookedUntil(candidates, now, ports),
  });
}

/** Those that earlier ticks have given a place before the horizon. */
const placedBefore = ({ found }: Backlog): Place<Candidate>[] =>
  found.flatMap((each) =>
    each.kind === 'placed' ? [{ item: each.candidate, at: each.candidate.certificate.nextActionAt }] : [],
  );

/** What falls due later takes no slot before. */
const startingWhenDue = (candidate: Candidate, nextTickAt: Date): Candidate =>
  candidate.forced || candidate.dueAt < nextTickAt
    ? candidate
    : { ...candidate, demand: { ...candidate.demand, notBefore: candidate.dueAt } };

/** When the last order goes that earlier ticks have given a place, at the CAs concerned. */
async function findBookedUntil(
  candidates: readonly Candidate[],
  now: Date,
  { buckets, preferred }: PlanPorts,
): Promise<Date | undefined> {
  const authorities = [...preferred, ...candidates.map(({ authority }) => authority)];
  const keys = new Set(authorities.map((authority) => ordersKey(limitsNameOf(authority), deploymentAccount)));
  const states = await buckets.read([...keys]);
  const ends = [...states.values()].map(({ lastPlaceAt }) => lastPlaceAt?.getTime() ?? 0);
  const last = Math.max(0, ...ends);
  return last > now.getTime() ? new Date(last) : undefined;
}

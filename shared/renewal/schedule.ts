import type { TrackedCertificate } from '../certificates/certificate.ts';
import { chooseRenewalTime, findDueReason } from '../certificates/due.ts';
import { dueShards } from '../certificates/due-index.ts';
import type { CertificateStore } from '../certificates/store.ts';
import { type Clock, secondsAfter } from '../runtime/clock.ts';
import { fulfilled, settleBounded, throwFirstFailure } from '../runtime/concurrency.ts';
import { beginRenewal, type RenewalId } from './renewal.ts';
import { resendSeconds } from './settle.ts';
import type { DueRenewal, RenewalStore } from './store.ts';
import { transitions, type Worker } from './transitions.ts';
import type { RenewalWork, WorkQueue } from './work-queue.ts';

export interface SchedulePorts {
  readonly certificates: CertificateStore;
  readonly renewals: RenewalStore;
  readonly queue: WorkQueue;
  readonly clock: Clock;
}

export interface ScheduleOptions {
  readonly runId: string;
  /** Seconds until the next tick; what falls due before it is due now. */
  readonly tickSeconds: number;
  /** Most items taken from each shard of the due index in one tick. */
  readonly limitPerShard: number;
}

export interface ScheduleResult {
  /** Names whose renewal was opened in this tick. */
  readonly opened: readonly string[];
  /** Names whose open renewal was sent again. */
  readonly resumed: readonly string[];
  /** True when a shard held more than its limit: the next tick goes on. */
  readonly more: boolean;
}

/** While a renewal is open the certificate itself is looked at once a day, should the renewal ever be lost. */
const backstopSeconds = 86_400;
const shardsAtOnce = 4;
const itemsAtOnce = 8;

/**
 * One tick: opens a renewal for every due certificate, takes up every renewal whose time has come, and sends
 * both to their workers. Cost follows what is due, not the fleet. Two ticks at once, or one repeated, open
 * nothing twice: each change is conditional on the nextActionAt that was read. One item that fails holds up no
 * other.
 * @throws the first failure, after everything else was done and sent
 */
export async function scheduleRenewals(
  options: ScheduleOptions,
  ports: SchedulePorts,
): Promise<ScheduleResult> {
  const shards = await settleBounded(dueShards, shardsAtOnce, (shard) => workShard(shard, options, ports));
  const items = fulfilled(shards).flatMap(({ items }) => items);
  const posted = fulfilled(items).filter((item) => item !== undefined);
  const workers = [...new Set(posted.map(({ worker }) => worker))];
  const sent = await Promise.allSettled(
    workers.map((worker) =>
      ports.queue.send(worker, posted.filter((item) => item.worker === worker).map(toWork)),
    ),
  );
  throwFirstFailure([...shards, ...items, ...sent]);
  const named = (kind: Posted['kind']) => posted.filter((item) => item.kind === kind);
  return {
    opened: named('opened').map(({ id }) => id.certificateName),
    resumed: named('resumed').map(({ id }) => id.certificateName),
    more: fulfilled(shards).some(({ full }) => full),
  };

  function toWork({ id }: Posted): RenewalWork {
    return { ...id, runId: options.runId };
  }
}

/** A renewal to be sent. */
interface Posted {
  readonly kind: 'opened' | 'resumed';
  readonly id: RenewalId;
  readonly worker: Worker;
}

async function workShard(shard: string, options: ScheduleOptions, ports: SchedulePorts) {
  const now = ports.clock.now();
  const tick = { now, nextTickAt: secondsAfter(now, options.tickSeconds) };
  const limit = options.limitPerShard;
  const certificates = await ports.certificates.findDue({ shard, until: tick.nextTickAt, limit });
  const opened = await settleBounded(certificates, itemsAtOnce, ({ name }) => openIfDue(name, tick, ports));
  const renewals = await ports.renewals.findDue({ shard, until: now, limit });
  const resumed = await settleBounded(renewals, itemsAtOnce, (renewal) => resume(renewal, now, ports));
  return {
    items: [...opened, ...resumed],
    full: certificates.length >= limit || renewals.length >= limit,
  };
}

/**
 * Opens the next generation of a certificate that is due, or sends the one that is open already. The index may
 * lag, so the certificate is read anew before anything is decided.
 */
async function openIfDue(
  name: string,
  tick: { now: Date; nextTickAt: Date },
  { certificates, renewals }: SchedulePorts,
): Promise<Posted | undefined> {
  const certificate = await certificates.get(name);
  if (certificate?.state !== 'tracked' || certificate.nextActionAt > tick.nextTickAt) return undefined;
  const { policy, current, nextActionAt: expectedAt } = certificate;
  const reason = findDueReason(certificate, tick);
  if (!reason) {
    if (current) {
      await certificates.postpone({ name, expectedAt, nextActionAt: chooseRenewalTime(current, policy) });
    }
    return undefined;
  }
  const open = await findOpenRenewal(certificate, renewals);
  const generation = open?.generation ?? certificate.generation + 1;
  const id = { certificateName: name, generation };
  if (!open)
    await renewals.open(
      beginRenewal(id, {
        reason,
        policy,
        now: tick.now,
        nextActionAt: secondsAfter(tick.now, resendSeconds),
      }),
    );
  // Whoever moves nextActionAt sends; a renewal that was opened and not sent comes back through its own time.
  const moved = await certificates.postpone({
    name,
    expectedAt,
    nextActionAt: secondsAfter(tick.now, backstopSeconds),
    generation,
  });
  if (!moved) return undefined;
  return { kind: open ? 'resumed' : 'opened', id, worker: transitions[open?.step ?? 'stage-key'].worker };
}

/** The newest generation's renewal while it has not issued: it, and no second one, serves whatever is due. */
async function findOpenRenewal({ name, generation, current }: TrackedCertificate, renewals: RenewalStore) {
  if (generation === 0 || current?.generation === generation) return undefined;
  const newest = await renewals.get({ certificateName: name, generation });
  return newest && !newest.outcome ? newest : undefined;
}

async function resume(
  { certificateName, generation, step, nextActionAt: expectedAt }: DueRenewal,
  now: Date,
  { renewals }: SchedulePorts,
): Promise<Posted | undefined> {
  const id = { certificateName, generation };
  const moved = await renewals.postpone({ id, expectedAt, nextActionAt: secondsAfter(now, resendSeconds) });
  return moved ? { kind: 'resumed', id, worker: transitions[step].worker } : undefined;
}

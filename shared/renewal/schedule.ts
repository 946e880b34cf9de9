import type { TrackedCertificate } from '../certificates/certificate.ts';
import { chooseRenewalTime, findDueReason } from '../certificates/due.ts';
import { dueShards } from '../certificates/due-index.ts';
import type { CertificateStore } from '../certificates/store.ts';
import { type Clock, secondsAfter } from '../runtime/clock.ts';
import type { Renewal } from './renewal.ts';
import { resendSeconds } from './run-renewal.ts';
import type { RenewalStore } from './store.ts';
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

/**
 * One tick: opens a renewal for every due certificate, takes up every renewal whose time has come, and sends
 * both to their workers. Cost follows what is due, not the fleet. Two ticks at once, or one repeated, open
 * nothing twice: each change is conditional on the nextActionAt that was read.
 */
export async function scheduleRenewals(
  options: ScheduleOptions,
  ports: SchedulePorts,
): Promise<ScheduleResult> {
  const outbox = new Map<Worker, RenewalWork[]>();
  const post = (worker: Worker, work: RenewalWork) =>
    outbox.set(worker, [...(outbox.get(worker) ?? []), work]);
  const shards = await Promise.all(
    dueShards.map(async (shard) => {
      const opened = await openDue(shard, options, { ...ports, post });
      const resumed = await resumeDue(shard, options, { ...ports, post });
      return { opened, resumed };
    }),
  );
  for (const [worker, work] of outbox) await ports.queue.send(worker, work);
  return {
    opened: shards.flatMap(({ opened }) => opened.names),
    resumed: shards.flatMap(({ resumed }) => resumed.names),
    more: shards.some(({ opened, resumed }) => opened.full || resumed.full),
  };
}

interface ShardPorts extends SchedulePorts {
  readonly post: (worker: Worker, work: RenewalWork) => void;
}

async function openDue(shard: string, options: ScheduleOptions, ports: ShardPorts) {
  const { certificates, clock } = ports;
  const now = clock.now();
  const nextTickAt = secondsAfter(now, options.tickSeconds);
  const due = await certificates.findDue({ shard, until: nextTickAt, limit: options.limitPerShard });
  const names = await Promise.all(
    due.map(async (certificate) => {
      const reason = findDueReason(certificate, { now, nextTickAt });
      if (reason) return openRenewal({ certificate, reason, runId: options.runId }, ports);
      await letRest(certificate, certificates);
      return undefined;
    }),
  );
  return { names: names.filter((name) => name !== undefined), full: due.length >= options.limitPerShard };
}

/**
 * The generation follows the newest issued one while that is where the certificate stands, so a crash between
 * the two writes, or a tick repeated, meets the renewal it opened before.
 */
async function openRenewal(
  {
    certificate,
    reason,
    runId,
  }: { certificate: TrackedCertificate } & Pick<Renewal, 'reason'> & Pick<RenewalWork, 'runId'>,
  { certificates, renewals, clock, post }: ShardPorts,
): Promise<string | undefined> {
  const now = clock.now();
  const { name, policy } = certificate;
  const open = await findOpenRenewal(certificate, renewals);
  const generation = open?.generation ?? certificate.generation + 1;
  const added =
    !open &&
    (await renewals.open({
      certificateName: name,
      generation,
      reason,
      policy,
      step: 'stage-key',
      challenges: [],
      deployedTo: [],
      verifiedAt: [],
      warnings: [],
      attempts: 0,
      openedAt: now,
      nextActionAt: secondsAfter(now, resendSeconds),
    }));
  const moved = await certificates.postpone({
    name,
    expectedAt: certificate.nextActionAt,
    nextActionAt: secondsAfter(now, backstopSeconds),
    generation,
  });
  if (!(added || (open && moved))) return undefined;
  post(transitions[open?.step ?? 'stage-key'].worker, { certificateName: name, generation, runId });
  return name;
}

/** The newest generation's renewal while it has not issued: it, and no second one, serves whatever is due. */
async function findOpenRenewal({ name, generation, current }: TrackedCertificate, renewals: RenewalStore) {
  if (generation === 0 || current?.generation === generation) return undefined;
  const newest = await renewals.get({ certificateName: name, generation });
  return newest && !newest.outcome ? newest : undefined;
}

async function letRest(certificate: TrackedCertificate, certificates: CertificateStore): Promise<void> {
  const { name, current, policy, nextActionAt } = certificate;
  if (!current) return;
  await certificates.postpone({
    name,
    expectedAt: nextActionAt,
    nextActionAt: chooseRenewalTime(current, policy),
  });
}

async function resumeDue(shard: string, options: ScheduleOptions, { renewals, clock, post }: ShardPorts) {
  const now = clock.now();
  const due = await renewals.findDue({ shard, until: now, limit: options.limitPerShard });
  const names = await Promise.all(
    due.map(async ({ certificateName, generation, step, nextActionAt }) => {
      const id = { certificateName, generation };
      const moved = await renewals.postpone({
        id,
        expectedAt: nextActionAt,
        nextActionAt: secondsAfter(now, resendSeconds),
      });
      if (!moved) return undefined;
      post(transitions[step].worker, { ...id, runId: options.runId });
      return certificateName;
    }),
  );
  return { names: names.filter((name) => name !== undefined), full: due.length >= options.limitPerShard };
}

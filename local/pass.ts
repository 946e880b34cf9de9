import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { dueShards } from '../shared/certificates/due-index.ts';
import type { StepName } from '../shared/renewal/renewal.ts';
import type { ScheduleResult } from '../shared/renewal/schedule-round.ts';
import type { DueRenewal } from '../shared/renewal/store.ts';
import type { CertificateOutcome } from '../shared/report/outcome.ts';
import type { Clock } from '../shared/runtime/clock.ts';
import type { LocalStack } from './stack.ts';

export interface PassRequest {
  readonly runId: string;
  /** The inventory's text, already found valid. */
  readonly inventory: string;
  readonly onProgress: (progress: PassProgress) => void;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

export interface PassProgress {
  readonly tracked: number;
  /** Certificates this pass works on. */
  readonly due: number;
  /** Open renewals by the step they are at. */
  readonly atStep: ReadonlyMap<StepName, number>;
  /** Certificates that wait for their place in the plan, because of a rate limit. */
  readonly planned: number;
  readonly outcomes: readonly CertificateOutcome[];
}

export interface PassResult {
  readonly runId: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly names: readonly string[];
  readonly due: readonly string[];
  readonly outcomes: readonly CertificateOutcome[];
  /** Due names without an outcome when the pass ended, and what is known of them. */
  readonly unfinished: readonly { readonly name: string; readonly reason: string }[];
}

const lookMillis = 200;
const tickMillis = 5000;
/** A renewal may lawfully take days (an order stuck at the CA); a pass must not. */
const passMillis = 20 * 60_000;

/**
 * One pass over the fleet, by the deployed functions: collects the inventory, schedules what is due until the
 * queues and the due index hold nothing of this pass any more, and answers what became of each certificate.
 */
export async function runPass(stack: LocalStack, request: PassRequest): Promise<PassResult> {
  const { runId, clock, signal } = request;
  const startedAt = clock.now();
  await uploadInventory(stack, request.inventory);
  // Whoever hands in a list by hand means it.
  await stack.aws.lambda.call('collect-inventory', { confirmRetirements: true });
  const names = await listTracked(stack);
  const work = new PassWork(names);
  let nextTickAt = startedAt.getTime();
  for (;;) {
    const nowMillis = clock.now().getTime();
    if (nowMillis >= nextTickAt) {
      work.addTick(await tick(stack, runId));
      nextTickAt = nowMillis + tickMillis;
    }
    // In this order: a renewal that is no longer open has had its outcome recorded.
    const open = await listOpen(stack);
    const outcomes = await stack.stores.runs.listOutcomes(runId);
    const planned = work.mayWait ? await listPlanned(stack) : [];
    const pending = work.listPending([...open.keys(), ...planned], outcomes);
    request.onProgress({
      tracked: names.length,
      due: work.due.size,
      atStep: countSteps(open, pending),
      planned: planned.length,
      outcomes,
    });
    const overdue = nowMillis - startedAt.getTime() > passMillis;
    if (pending.length === 0 || overdue || signal.aborted) {
      const unfinished = await explain(stack, pending, signal.aborted ? 'interrupted' : 'not done in time');
      return { runId, startedAt, finishedAt: clock.now(), names, due: [...work.due], outcomes, unfinished };
    }
    await clock.sleep(lookMillis, signal).catch(() => undefined);
  }
}

/** The names a pass waits for. */
class PassWork {
  readonly due = new Set<string>();
  readonly #tracked: ReadonlySet<string>;
  /** Names seen without renewal and outcome, by the number of ticks there had been. */
  readonly #gone = new Map<string, number>();
  #ticks = 0;

  constructor(tracked: readonly string[]) {
    this.#tracked = new Set(tracked);
  }

  /** Whether a rate limit has made certificates wait for their place in the plan. */
  mayWait = false;

  addTick({ names, planned }: Tick): void {
    this.#ticks += 1;
    this.mayWait ||= planned > 0;
    for (const name of names) if (this.#tracked.has(name)) this.due.add(name);
  }

  /** A renewal that ended as superseded or abandoned has no outcome; the tick after it opens the next, or none. */
  listPending(known: readonly string[], outcomes: readonly CertificateOutcome[]): readonly string[] {
    const settled = new Set(outcomes.map(({ certificateName }) => certificateName));
    const waiting = new Set(known);
    for (const name of waiting) if (this.#tracked.has(name) && this.mayWait) this.due.add(name);
    for (const name of this.due) {
      if (settled.has(name) || waiting.has(name)) this.#gone.delete(name);
      else if (!this.#gone.has(name)) this.#gone.set(name, this.#ticks);
      else if (this.#ticks - (this.#gone.get(name) ?? 0) >= 2) this.due.delete(name);
    }
    return [...this.due].filter((name) => !settled.has(name));
  }
}

/** To the bucket where collect-inventory looks for it, as on AWS. */
async function uploadInventory({ aws }: LocalStack, text: string): Promise<void> {
  const collect = aws.functions.find(({ bundle }) => bundle === 'collect-inventory');
  const uri = collect?.environment.INVENTORY_URI?.replace('{account}', collect.arn.split(':')[4] ?? '');
  const { hostname: Bucket, pathname } = new URL(uri ?? '');
  const s3 = new S3Client({
    endpoint: aws.environment.AWS_ENDPOINT_URL_S3 ?? '',
    region: aws.environment.AWS_REGION ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    forcePathStyle: true,
  });
  await s3.send(new PutObjectCommand({ Bucket, Key: pathname.slice(1), Body: text }));
  s3.destroy();
}

async function listTracked({ stores }: LocalStack): Promise<string[]> {
  const certificates = await Array.fromAsync(stores.certificates.list());
  return certificates
    .filter(({ state }) => state === 'tracked')
    .map(({ name }) => name)
    .sort();
}

interface Tick {
  /** The names it sent. */
  readonly names: readonly string[];
  /** How many others were given a place in the plan. */
  readonly planned: number;
}

/** A tick, repeated while a shard of the due index holds more than one tick takes. */
async function tick({ aws }: LocalStack, runId: string): Promise<Tick> {
  const names: string[] = [];
  let planned = 0;
  let result: ScheduleResult;
  do {
    result = (await aws.lambda.call('schedule-renewals', { runId })) as ScheduleResult;
    names.push(...result.opened, ...result.resumed);
    planned += result.planned;
  } while (result.more);
  return { names, planned };
}

async function listPlanned({ stores }: LocalStack): Promise<readonly string[]> {
  const certificates = await Array.fromAsync(stores.certificates.list());
  return certificates
    .filter(({ state, plannedAt }) => state === 'tracked' && plannedAt !== undefined)
    .map(({ name }) => name);
}

const distantFuture = new Date('9999-12-31T00:00:00Z');

async function findOpen({ stores }: LocalStack): Promise<readonly DueRenewal[]> {
  const shards = await Promise.all(
    dueShards.map((shard) => stores.renewals.findDue({ shard, until: distantFuture, limit: 1000 })),
  );
  return shards.flat();
}

async function listOpen(stack: LocalStack): Promise<ReadonlyMap<string, StepName>> {
  return new Map((await findOpen(stack)).map(({ certificateName, step }) => [certificateName, step]));
}

function countSteps(open: ReadonlyMap<string, StepName>, pending: readonly string[]): Map<StepName, number> {
  const counts = new Map<StepName, number>();
  for (const name of pending) {
    const step = open.get(name);
    if (step) counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  return counts;
}

async function explain({ stores }: LocalStack, pending: readonly string[], reason: string) {
  return Promise.all(
    pending.map(async (name) => {
      const certificate = await stores.certificates.get(name);
      const generation = certificate?.generation ?? 0;
      const renewal =
        generation > 0 ? await stores.renewals.get({ certificateName: name, generation }) : undefined;
      return { name, reason: renewal ? `${reason}; its renewal goes on at step ${renewal.step}` : reason };
    }),
  );
}

/**
 * Gives up the leases of workers that ended with an earlier process on the same data, so that this one need
 * not wait them out.
 */
export async function recoverRenewals(stack: LocalStack, clock: Clock): Promise<number> {
  const open = await findOpen(stack);
  await Promise.all(open.map((id) => stack.stores.renewals.breakLease(id, clock.now())));
  return open.length;
}

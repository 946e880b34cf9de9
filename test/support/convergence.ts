import { setTimeout as pause } from 'node:timers/promises';
import type { AcmeCa } from '../../local/ca/ca.ts';
import type { RenewalId } from '../../shared/renewal/renewal.ts';
import type { Worker } from '../../shared/renewal/transitions.ts';
import type { RenewalWork } from '../../shared/renewal/work-queue.ts';
import { asFailure } from '../../shared/runtime/errors.ts';
import { createSaboteur, describeFault, type Fault, type Row, type Saboteur } from './faults.ts';
import { type FleetScene, redeliverySeconds, workers } from './fleet-scene.ts';

export interface Convergence {
  readonly converged: boolean;
  /** Deliveries beyond the one each worker needs. */
  readonly redeliveries: number;
  readonly saboteur: Saboteur;
  /** What happened, for whoever has to understand a failure. */
  readonly log: readonly string[];
}

interface Delivery {
  readonly worker: Worker;
  readonly work: RenewalWork;
}

const mostRedeliveries = 12;
const stuckMillis = 20_000;

/**
 * Carries a renewal to its end as the queues and the scheduler would, with `faults` striking on the way. A worker
 * that stops is never heard of again until the end; its message comes back once its lease is over, to another
 * worker. What sleeps is woken when everything has ended, and what it then sends is delivered too.
 */
export async function converge(
  scene: FleetScene,
  journey: {
    readonly id: RenewalId;
    readonly runId: string;
    readonly faults: readonly Fault[];
    /** The CA, and the names whose requests it loses. */
    readonly ca: Pick<AcmeCa, 'faults'>;
    readonly names: readonly string[];
    /** Hears which row a worker has come to; undefined: nobody is at work. */
    readonly onRow?: ((row: Row | undefined) => void) | undefined;
    /** A look at the world right after a fault has struck. */
    readonly look: () => Promise<void>;
  },
): Promise<Convergence> {
  const { id, runId, look } = journey;
  const saboteur = createSaboteur(journey.faults, journey);
  const log: string[] = [];
  const sleeping: Promise<unknown>[] = [];
  const undelivered: Delivery[] = [];
  let redeliveries = 0;

  /** Lets a process run until it ends or is stopped; true when it ended without an error. */
  const runProcess = async (what: string, start: () => Promise<unknown>): Promise<boolean> => {
    const struckBefore = saboteur.struck.length;
    const stopped = saboteur.nextStop().then((fault) => ({ stopped: fault }));
    const ended = start().then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
    const end = await Promise.race([ended, stopped, pause(stuckMillis, 'stuck' as const)]);
    if (end === 'stuck') throw new Error(`${what} is stuck; before that: ${log.join(' | ')}`);
    journey.onRow?.(undefined);
    log.push(`${what}: ${describeEnd(end)}`);
    if ('stopped' in end && end.stopped.mode === 'zombie') sleeping.push(ended);
    if (saboteur.struck.length > struckBefore) {
      await look();
      // After the last of several faults whoever slept since an earlier one comes back in the midst of it.
      if (saboteur.struck.length > 1 && saboteur.struck.length === journey.faults.length) {
        saboteur.wake();
        await endOf(sleeping.splice(0), log);
      }
    }
    return 'result' in end;
  };
  const tick = (): Promise<boolean> => runProcess('tick', () => scene.tick(runId, saboteur));
  const deliver = async (delivery: Delivery): Promise<void> => {
    const { worker, work } = delivery;
    const delivered = await runProcess(worker, () => scene.deliver(worker, work, saboteur));
    if (!delivered) undelivered.push(delivery);
  };
  const takeSent = (): Delivery[] =>
    workers.flatMap((worker) => scene.queue.take(worker).map((work) => ({ worker, work })));
  const hasEnded = async () => (await scene.renewals.get(id))?.outcome !== undefined;

  await tick();
  while (!(await hasEnded()) && redeliveries <= mostRedeliveries) {
    const sent = takeSent();
    for (const delivery of sent) await deliver(delivery);
    if (sent.length > 0) continue;
    redeliveries += 1;
    const again = undelivered.shift();
    if (again) {
      scene.clock.advance(redeliverySeconds);
      await deliver(again);
    } else {
      await moveToNextAction(scene, id);
      await tick();
    }
  }
  const converged = await hasEnded();
  saboteur.wakeAll();
  await endOf(sleeping, log);
  for (const delivery of [...undelivered, ...takeSent()]) await scene.deliver(delivery.worker, delivery.work);
  return { converged, redeliveries, saboteur, log };
}

async function endOf(sleeping: readonly Promise<unknown>[], log: readonly string[]): Promise<void> {
  const end = await Promise.race([Promise.all(sleeping), pause(stuckMillis, 'stuck' as const)]);
  if (end === 'stuck') throw new Error(`a zombie is stuck; before that: ${log.join(' | ')}`);
}

/** To the moment at which the scheduler takes the renewal, or the certificate before there is one, up again. */
async function moveToNextAction(scene: FleetScene, id: RenewalId): Promise<void> {
  const renewal = await scene.renewals.get(id);
  const certificate = await scene.certificates.get(id.certificateName);
  const at = renewal?.nextActionAt ?? certificate?.nextActionAt ?? scene.clock.now();
  const seconds = (at.getTime() - scene.clock.now().getTime()) / 1000;
  scene.clock.advance(Math.max(seconds, 0) + 1);
}

function describeEnd(end: { stopped: Fault } | { result: unknown } | { error: unknown }): string {
  if ('stopped' in end) return `stopped at ${describeFault(end.stopped)}`;
  if ('error' in end) return `threw ${asFailure(end.error).code}: ${asFailure(end.error).message}`;
  return JSON.stringify(end.result) ?? 'done';
}

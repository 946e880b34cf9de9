import type { Worker } from './transitions.ts';
import type { RenewalWork, WorkQueue } from './work-queue.ts';

/** A WorkQueue that keeps what was sent, for one process. */
export function createMemoryWorkQueue(): WorkQueue & { take(worker: Worker): readonly RenewalWork[] } {
  const queues = new Map<Worker, RenewalWork[]>();
  return {
    async send(worker, work) {
      queues.set(worker, [...(queues.get(worker) ?? []), ...work]);
    },
    take(worker) {
      const work = queues.get(worker) ?? [];
      queues.delete(worker);
      return work;
    },
  };
}

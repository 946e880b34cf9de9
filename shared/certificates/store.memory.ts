import type { TrackedCertificate } from './certificate.ts';
import { dueShardOf } from './due-index.ts';
import type { CertificateStore } from './store.ts';

/** The contract of CertificateStore in one process's memory. */
export function createMemoryCertificateStore(): CertificateStore {
  const certificates = new Map<string, TrackedCertificate>();
  const tracked = () => [...certificates.values()].filter(({ state }) => state === 'tracked');
  const update = (name: string, change: Partial<TrackedCertificate>) => {
    const before = certificates.get(name);
    if (before) certificates.set(name, { ...before, ...change });
  };
  return {
    get: async (name) => certificates.get(name),
    async *list() {
      yield* [...certificates.values()];
    },
    countTracked: async () => tracked().length,
    async track({ name, policy, now }) {
      if (certificates.has(name)) return false;
      certificates.set(name, { name, policy, state: 'tracked', generation: 0, nextActionAt: now });
      return true;
    },
    changePolicy: async ({ name, policy, now }) =>
      update(name, { policy, state: 'tracked', nextActionAt: now }),
    retire: async (name) => update(name, { state: 'retired' }),
    findDue: async ({ shard, until, limit }) =>
      tracked()
        .filter(({ name, nextActionAt }) => dueShardOf(name) === shard && nextActionAt <= until)
        .sort((a, b) => a.nextActionAt.getTime() - b.nextActionAt.getTime())
        .slice(0, limit),
    findNextActionAt: async () => {
      const [earliest] = tracked().sort((a, b) => a.nextActionAt.getTime() - b.nextActionAt.getTime());
      return earliest?.nextActionAt;
    },
    async postpone({ name, expectedAt, nextActionAt, generation }) {
      const before = certificates.get(name);
      if (before?.state !== 'tracked' || before.nextActionAt.getTime() !== expectedAt.getTime()) return false;
      update(name, { nextActionAt, generation: generation ?? before.generation });
      return true;
    },
    async recordIssued({ read, issued, nextActionAt }) {
      const before = certificates.get(read.name);
      if (!before || before.nextActionAt.getTime() !== read.nextActionAt.getTime()) return false;
      if ((before.current?.generation ?? 0) >= issued.generation) return false;
      update(read.name, {
        current: issued,
        generation: Math.max(read.generation, issued.generation),
        nextActionAt,
      });
      return true;
    },
  };
}

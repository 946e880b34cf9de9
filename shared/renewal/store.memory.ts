import { dueShardOf } from '../certificates/due-index.ts';
import { leaseLost, restEndsBy } from './lease.ts';
import { type Lease, type LeasedRenewal, type Renewal, renewalKey } from './renewal.ts';
import type { RenewalStore } from './store.ts';

interface Entry {
  readonly renewal: Renewal;
  readonly fence: number;
  readonly lease?: Lease | undefined;
}

/** The contract of RenewalStore in one process's memory. */
export function createMemoryRenewalStore(): RenewalStore {
  const entries = new Map<string, Entry>();
  const write = (leased: LeasedRenewal, lease: Lease | undefined) => {
    const { lease: held, ...renewal } = leased;
    if (entries.get(renewalKey(leased))?.fence !== held.fence) throw leaseLost(leased);
    entries.set(renewalKey(leased), { renewal, fence: held.fence, lease });
  };
  return {
    async open(renewal) {
      if (entries.has(renewalKey(renewal))) return false;
      entries.set(renewalKey(renewal), { renewal, fence: 0 });
      return true;
    },
    get: async (id) => entries.get(renewalKey(id))?.renewal,
    async claim(id, { owner, now, until }) {
      const entry = entries.get(renewalKey(id));
      if (!entry || entry.renewal.outcome || entry.renewal.pausedAt) return undefined;
      const { restsUntil } = entry.renewal;
      if (restsUntil && restsUntil > restEndsBy(now)) return undefined;
      if (entry.lease && entry.lease.until > now && entry.lease.owner !== owner) return undefined;
      const lease = { owner, until, fence: entry.fence + 1, takenOver: entry.lease !== undefined };
      entries.set(renewalKey(id), { ...entry, fence: lease.fence, lease });
      return { ...entry.renewal, lease };
    },
    save: async (leased) => write(leased, leased.lease),
    release: async (leased) => write(leased, undefined),
    findDue: async ({ shard, until, limit }) =>
      [...entries.values()]
        .flatMap(({ renewal: { certificateName, generation, step, nextActionAt, outcome } }) =>
          nextActionAt && !outcome ? [{ certificateName, generation, step, nextActionAt }] : [],
        )
        .filter((due) => dueShardOf(due.certificateName) === shard && due.nextActionAt <= until)
        .sort((a, b) => a.nextActionAt.getTime() - b.nextActionAt.getTime())
        .slice(0, limit),
    async postpone({ id, expectedAt, nextActionAt }) {
      const entry = entries.get(renewalKey(id));
      if (entry?.renewal.outcome || entry?.renewal.nextActionAt?.getTime() !== expectedAt.getTime())
        return false;
      entries.set(renewalKey(id), { ...entry, renewal: { ...entry.renewal, nextActionAt } });
      return true;
    },
    async wake(id, now) {
      const entry = entries.get(renewalKey(id));
      if (!entry || entry.renewal.outcome) return;
      const { restsUntil: _r, quarantinedAt: _q, pausedAt: _p, ...awake } = entry.renewal;
      entries.set(renewalKey(id), { ...entry, renewal: { ...awake, nextActionAt: now } });
    },
    async breakLease(id, now) {
      const entry = entries.get(renewalKey(id));
      if (!entry || entry.renewal.outcome) return;
      const { restsUntil: _, ...rest } = entry.renewal;
      const renewal = { ...rest, nextActionAt: now };
      // The lease's end, not its absence: how far its worker came is unknown.
      const lease = entry.lease && { ...entry.lease, until: now };
      entries.set(renewalKey(id), { renewal, fence: entry.fence + 1, lease });
    },
  };
}

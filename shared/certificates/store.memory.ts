import type { TrackedCertificate } from './certificate.ts';
import { DueHeap, type HeapEntry } from './due-heap.ts';
import { dueShardOf, dueShards } from './due-index.ts';
import type { CertificateStore } from './store.ts';

type Content = Omit<TrackedCertificate, 'name' | 'nextActionAt'>;
interface Entry extends HeapEntry {
  readonly due: DueHeap<Entry>;
  content: Content;
}

/** The contract of CertificateStore in one process's memory; a million certificates take some 220 MB. */
export function createMemoryCertificateStore(): CertificateStore {
  const entries = new Map<string, Entry>();
  const shards = new Map(dueShards.map((shard) => [shard, new DueHeap<Entry>()]));
  return {
    get: async (name) => read(entries.get(name)),
    async *list(after) {
      let isBehind = after === undefined;
      for (const entry of entries.values()) {
        if (isBehind) yield read(entry);
        isBehind ||= entry.name === after;
      }
    },
    countTracked: async () => [...shards.values()].reduce((count, due) => count + due.size, 0),
    async track({ name, policy, now }) {
      if (entries.has(name)) return false;
      const due = shards.get(dueShardOf(name)) ?? new DueHeap();
      const content: Content = { policy, state: 'tracked', generation: 0 };
      const entry = { name, nextActionAtMillis: now.getTime(), place: -1, due, content };
      entries.set(name, entry);
      due.add(entry);
      return true;
    },
    async changePolicy({ name, policy, now }) {
      const entry = entries.get(name);
      if (entry) write(entry, { policy, state: 'tracked', plannedAt: undefined }, now);
    },
    async retire(name) {
      const entry = entries.get(name);
      if (entry) write(entry, { state: 'retired' });
    },
    findDue: async ({ shard, until, limit }) =>
      (shards.get(shard)?.findDue({ until, limit }) ?? []).map((entry) => read(entry)),
    async findNextActionAt() {
      const times = [...shards.values()].flatMap((due) => due.first()?.nextActionAtMillis ?? []);
      return times.length > 0 ? new Date(Math.min(...times)) : undefined;
    },
    async postpone({ name, expectedAt, nextActionAt, generation, plannedAt }) {
      const entry = entries.get(name);
      if (!entry || !isTrackedAt(entry, expectedAt)) return false;
      const opened = generation === undefined ? {} : { generation };
      const planned = plannedAt === undefined ? {} : { plannedAt: plannedAt ?? undefined };
      write(entry, { ...opened, ...planned }, nextActionAt);
      return true;
    },
    async recordIssued({ read: before, issued, nextActionAt }) {
      const entry = entries.get(before.name);
      if (!entry || entry.nextActionAtMillis !== before.nextActionAt.getTime()) return false;
      if ((entry.content.current?.generation ?? 0) >= issued.generation) return false;
      const generation = Math.max(before.generation, issued.generation);
      write(entry, { current: issued, generation, advice: undefined, plannedAt: undefined }, nextActionAt);
      return true;
    },
    async recordAdvice({ read: before, advice, nextActionAt }) {
      const entry = entries.get(before.name);
      if (!entry || !isTrackedAt(entry, before.nextActionAt)) return false;
      if (entry.content.current?.issuedBy?.certificateId !== advice.certificateId) return false;
      write(entry, { advice }, nextActionAt);
      return true;
    },
  };
}

const isTrackedAt = ({ nextActionAtMillis, content }: Entry, at: Date): boolean =>
  nextActionAtMillis === at.getTime() && content.state === 'tracked';

function read(entry: Entry): TrackedCertificate;
function read(entry: Entry | undefined): TrackedCertificate | undefined;
function read(entry: Entry | undefined): TrackedCertificate | undefined {
  if (!entry) return undefined;
  return { name: entry.name, ...entry.content, nextActionAt: new Date(entry.nextActionAtMillis) };
}

/** Changes an entry and puts it where its state and time say in the due index. */
function write(entry: Entry, change: Partial<Content>, nextActionAt?: Date): void {
  entry.content = { ...entry.content, ...change };
  if (nextActionAt) entry.nextActionAtMillis = nextActionAt.getTime();
  const { due, place, content } = entry;
  if (content.state === 'retired') {
    if (place >= 0) due.remove(entry);
  } else if (place >= 0) due.move(entry);
  else due.add(entry);
}

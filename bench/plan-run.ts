import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { findAuthority } from '../shared/acme/catalogue.ts';
import type { TrackedCertificate } from '../shared/certificates/certificate.ts';
import { createMemoryCertificateStore } from '../shared/certificates/store.memory.ts';
import { createMemoryBucketItems } from '../shared/limits/bucket-store.memory.ts';
import { createBucketStore } from '../shared/limits/bucket-store.ts';
import { publishedLimits } from '../shared/limits/published-limits.ts';
import { planRenewals } from '../shared/renewal/plan-renewals.ts';
import { createMemoryRefreshQueue } from '../shared/renewal/refresh-queue.memory.ts';
import { scheduleRenewals } from '../shared/renewal/schedule.ts';
import { createMemoryRenewalStore } from '../shared/renewal/store.memory.ts';
import { createMemoryWorkQueue } from '../shared/renewal/work-queue.memory.ts';
import { systemClock } from '../shared/runtime/clock.ts';
import { at, directoryUrl, type FleetAnswer, type FleetCall } from './plan-fleet.ts';

/** What one plan cost; items are those that queries and single reads of any store answered. */
export interface PlanCost {
  readonly queries: number;
  readonly items: number;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

export interface PlanRun {
  readonly certificates: number;
  readonly due: number;
  /** The plan of the whole backlog, nothing changed. */
  readonly dryRun: PlanCost;
  /** One tick over the same backlog, carried out. */
  readonly tick: PlanCost;
  /** Of the planning process from its start to its end. */
  readonly cpuSeconds: number;
  readonly peakRssMegabytes: number;
}

const clock = { ...systemClock, now: () => at(0) };

/** The fleet's process as a store, each call a message there and back. */
function openFleet(child: ChildProcess) {
  const waiting = new Map<number, (answer: unknown) => void>();
  let lastId = 0;
  child.on('message', ({ id, answer }: FleetAnswer) => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  const call = (method: FleetCall['method'], argument: unknown) =>
    new Promise<unknown>((resolve) => {
      const id = ++lastId;
      waiting.set(id, resolve);
      child.send({ id, method, argument });
    });
  return {
    ...createMemoryCertificateStore(),
    findDue: (query: object) => call('findDue', query) as Promise<TrackedCertificate[]>,
    get: (name: string) => call('get', name) as Promise<TrackedCertificate | undefined>,
    postpone: (change: object) => call('postpone', change) as Promise<boolean>,
  };
}

/** The planner's ports, counting what is read. */
function createPorts(certificates: ReturnType<typeof openFleet>, count: { queries: number; items: number }) {
  const counted =
    <Argument, Answer>(queries: 0 | 1, read: (argument: Argument) => Promise<Answer>) =>
    async (argument: Argument): Promise<Answer> => {
      const answer = await read(argument);
      count.queries += queries;
      count.items += Array.isArray(answer) ? answer.length : Number(answer !== undefined);
      return answer;
    };
  const renewals = createMemoryRenewalStore();
  const buckets = createBucketStore(createMemoryBucketItems(), { clock, random: () => 0.5 });
  const { get, findDue } = certificates;
  return {
    certificates: { ...certificates, get: counted(0, get), findDue: counted(1, findDue) },
    renewals: { ...renewals, get: counted(0, renewals.get), findDue: counted(1, renewals.findDue) },
    buckets: {
      ...buckets,
      read: (keys: readonly string[]) => {
        count.items += keys.length;
        return buckets.read(keys);
      },
    },
    queue: createMemoryWorkQueue(),
    refreshQueue: createMemoryRefreshQueue(),
    limitsFor: publishedLimits,
    preferred: [findAuthority(directoryUrl)],
    clock,
  };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function run(size: number, child: ChildProcess): Promise<PlanRun> {
  const count = { queries: 0, items: 0 };
  const ports = createPorts(openFleet(child), count);
  const measure = async (work: () => Promise<unknown>): Promise<PlanCost> => {
    Object.assign(count, { queries: 0, items: 0 });
    const begun = { cpu: cpuSeconds(), wall: performance.now() };
    await work();
    const wallSeconds = (performance.now() - begun.wall) / 1000;
    return { ...count, cpuSeconds: cpuSeconds() - begun.cpu, wallSeconds };
  };
  let due = 0;
  const dryRun = await measure(async () => {
    ({ due } = await planRenewals({ tickSeconds: 60, dueWithinHours: 0 }, ports));
  });
  const tick = await measure(() =>
    scheduleRenewals({ runId: 'bench', tickSeconds: 60, limitPerShard: size }, ports),
  );
  const peakRssMegabytes = process.resourceUsage().maxRSS / 1024;
  return { certificates: size, due, dryRun, tick, cpuSeconds: cpuSeconds(), peakRssMegabytes };
}

/** Plans for a fleet of the size given, whose certificates a process of their own holds, as a database would. */
const size = Number(process.argv[2]);
const fleetPath = fileURLToPath(new URL('plan-fleet.ts', import.meta.url));
const child = fork(fleetPath, [String(size)], { serialization: 'advanced' });
try {
  await once(child, 'message');
  const result = await run(size, child);
  process.send?.(result);
} finally {
  child.disconnect();
  await once(child, 'exit');
  if (process.connected) process.disconnect();
}

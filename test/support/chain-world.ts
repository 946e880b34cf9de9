import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { createMemoryAuditLog } from '../../shared/audit/log.memory.ts';
import type { RecordedConnection } from '../../shared/audit/run-record.ts';
import { createPemSigner } from '../../shared/audit/signer.ts';
import { createMemoryDataKeys } from '../../shared/etl/cells/data-keys.memory.ts';
import { carry } from '../../shared/etl/chain/carry.ts';
import { expireOld } from '../../shared/etl/chain/expire-old.ts';
import { finishRun } from '../../shared/etl/chain/finish-run.ts';
import type { ChainPorts, FinishPorts, Invoker, Worker } from '../../shared/etl/chain/ports.ts';
import { type TickResult, tick } from '../../shared/etl/chain/tick.ts';
import { createMemoryDestination } from '../../shared/etl/destinations/destination.memory.ts';
import type { Destination } from '../../shared/etl/destinations/destination.ts';
import type { GateProblem } from '../../shared/etl/gate/gate.ts';
import { createMemoryKeyShelf } from '../../shared/etl/keys/key-shelf.memory.ts';
import { createRunKeys } from '../../shared/etl/keys/run-keys.ts';
import type { ChunkRef } from '../../shared/etl/ledger/chunk.ts';
import { createMemoryRunLedger } from '../../shared/etl/ledger/ledger.memory.ts';
import type { Run, RunSlot, RunState, Stage } from '../../shared/etl/ledger/run.ts';
import type { ObjectStore } from '../../shared/etl/objects/object-store.ts';
import { createMemoryObjectStore } from '../../shared/etl/objects/store.memory.ts';
import type { EtlReport } from '../../shared/etl/report/etl-report.ts';
import type { Source } from '../../shared/etl/sources/source.ts';
import { Failure } from '../../shared/runtime/errors.ts';
import { createFate, Died, type Fate, type Life } from '../shared/etl/ledger/mortal.ts';
import { aChainDefinition, createSceneSource } from './etl-orders.ts';
import { createFakeClock } from './fake-clock.ts';
import { createSeededRandom } from './seeded-random.ts';

export const windowOfScene = {
  from: new Date('2026-11-21T11:00:00.000Z'),
  to: new Date('2026-11-21T12:00:00.000Z'),
};
const leaseSeconds = 60;

export interface ChainWorldOptions {
  readonly fate?: Fate;
  readonly definition?: Record<string, unknown>;
  readonly source?: Source;
  /** Batches an extract worker has time for before it hands over. */
  readonly batchesPerWorker?: number;
  /** What stands around the table in memory; by default nothing does. */
  readonly targets?: (table: Destination) => readonly Destination[];
  /** What happens before people hear of a report: a failure here keeps them from it. */
  readonly beforeTelling?: (report: EtlReport) => Promise<void>;
  /** What happens before the gate answers. */
  readonly beforeGate?: () => Promise<void>;
}

type Message =
  | { readonly kind: 'carry'; readonly stage: Stage; readonly ref: ChunkRef }
  | { readonly kind: 'report'; readonly slot: RunSlot }
  | { readonly kind: 'expire'; readonly of: { pipeline: string; configHash: string } };

/**
 * The whole chain over memory, each function an invocation of its own that may end at any await; messages between
 * them are delivered at once, in order, and those of a worker that died before sending are not.
 */
export function createChainWorld(options: ChainWorldOptions = {}) {
  const { fate = createFate([]), definition = aChainDefinition() } = options;
  const clock = createFakeClock(new Date('2026-11-21T12:00:01.000Z'));
  const random = createSeededRandom(11);
  const ledger = createMemoryRunLedger();
  const audit = createMemoryAuditLog();
  const buckets = {
    work: createMemoryObjectStore(clock),
    quarantine: createMemoryObjectStore(clock),
    records: createMemoryObjectStore(clock),
  };
  const shelf = createMemoryKeyShelf();
  const masters = {
    cells: createMemoryDataKeys(Buffer.alloc(32, 1)),
    quarantine: createMemoryDataKeys(Buffer.alloc(32, 2)),
  };
  const target = createMemoryDestination();
  const source = options.source ?? createSceneSource({ chunks: 3, records: 24, batch: 8 });
  const pair = generateKeyPairSync('ed25519');
  const signer = createPemSigner(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  const messages: Message[] = [];
  const reports: EtlReport[] = [];
  const renewed: string[] = [];
  const unexpected: unknown[] = [];
  const ticks: TickResult[] = [];
  const connections: RecordedConnection[] = [];
  const catalogue = new Map<string, unknown>([['orders', definition]]);
  const states: RunState[] = [];
  let gateProblems: readonly GateProblem[] = [];
  let owners = 0;

  const watched = {
    ...ledger,
    async replaceRun(run: Parameters<typeof ledger.replaceRun>[0]) {
      const before = await ledger.getRun(run);
      const written = await ledger.replaceRun(run);
      if (written && before?.state !== run.state) states.push(run.state);
      return written;
    },
  };

  const invoker: Invoker = {
    carry: async (stage, ref) => void messages.push({ kind: 'carry', stage, ref }),
    report: async (slot) => void messages.push({ kind: 'report', slot }),
    expire: async (of) => void messages.push({ kind: 'expire', of }),
    renew: async (names) => void renewed.push(...names),
  };

  /** The ports of one worker: each call is a step of its life. */
  function portsOf(life: Life): FinishPorts & { catalogue: CataloguePort } {
    const bucket = (store: ObjectStore): ObjectStore => ({
      ...life.through(store),
      listVersions: (prefix) => stepwise(life, store.listVersions(prefix)),
    });
    const livingSource: Source = {
      ...source,
      plan: (window, signal) => life.take(() => source.plan(window, signal)),
      read: (request) => stepwise(life, source.read(request)),
    };
    const livingTarget: Destination = {
      ...target,
      load: (request) => life.take(() => target.load(request)),
      finish: (load) => life.take(() => target.finish(load)),
    };
    const livingAudit = life.through(audit);
    return {
      clock,
      random,
      ledger: life.through(watched),
      buckets: {
        work: bucket(buckets.work),
        quarantine: bucket(buckets.quarantine),
        records: bucket(buckets.records),
      },
      // Each worker asks anew, as another process would.
      keys: life.through(createRunKeys({ shelf, masters })),
      pseudonymKey: async () => ({ version: 1, key: createSecretKey(Buffer.alloc(32, 3)) }),
      gate: {
        check: async () =>
          life.take(async () => {
            await options.beforeGate?.();
            return { problems: gateProblems, certificates: [], peers: new Map() };
          }),
      },
      recorder: { drain: () => connections.splice(0) },
      ends: {
        source: async () => livingSource,
        destinations: async () => options.targets?.(livingTarget) ?? [livingTarget],
      },
      invoker: life.through(invoker),
      audit: { ...livingAudit, read: (chain, after) => stepwise(life, audit.read(chain, after)) },
      signer: async () => life.take(async () => signer),
      lockDays: 1,
      tell: (report) =>
        life.take(async () => {
          await options.beforeTelling?.(report);
          reports.push(report);
        }),
      catalogue: {
        list: async () => [...catalogue.keys()].sort(),
        read: async (name) => catalogue.get(name),
      },
    };
  }

  function workerOf(): Worker {
    let looks = 0;
    const { batchesPerWorker = Number.POSITIVE_INFINITY } = options;
    return {
      owner: `worker ${owners++}`,
      leaseSeconds,
      deadline: {
        signal: new AbortController().signal,
        // Extract looks once after each batch, and stops below a minute.
        remainingMillis: () => (++looks >= batchesPerWorker ? 30_000 : 600_000),
      },
    };
  }

  /** One invocation; a worker that stands still is left behind. */
  async function serve(work: (ports: ReturnType<typeof portsOf>, worker: Worker) => Promise<unknown>) {
    const life = fate.begin();
    const done = work(portsOf(life), workerOf()).then(
      () => {},
      (error: unknown) => {
        const late = ['lease-lost', 'run-contended', 'run-not-ready', 'load-superseded'];
        const isLate = error instanceof Failure && late.includes(error.code);
        if (!(error instanceof Died) && !isLate) unexpected.push(error);
      },
    );
    await Promise.race([done, life.stopped]);
  }

  async function deliver() {
    for (let message = messages.shift(); message; message = messages.shift()) {
      const { kind } = message;
      if (kind === 'carry') {
        const { ref } = message;
        await serve((ports, worker) => carry(ports, worker, ref));
      } else if (kind === 'expire') {
        const { of } = message;
        await serve((ports, worker) => expireOld(ports, worker, of));
      } else {
        const { slot } = message;
        await serve((ports, worker) => finishRun(ports, worker, slot));
      }
    }
  }

  return {
    clock,
    ledger,
    audit,
    buckets,
    target,
    reports,
    renewed,
    states,
    unexpected,
    messages,
    ticks,
    /** What the recorder answers when it is asked next. */
    connections,
    catalogue,
    publicKeyPem: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    portsOf,
    workerOf,
    serve,
    deliver,
    hold(problems: readonly GateProblem[]) {
      gateProblems = problems;
    },
    /** A tick whose messages are not delivered. */
    async tickAlone() {
      await serve(async (ports, worker) => {
        const results = await tick(ports, worker);
        ticks.push(...results);
      });
    },
    async tick() {
      await this.tickAlone();
      await deliver();
    },
    /** A person's request, a second later, and what follows from it. */
    async ask<T>(request: (ports: ReturnType<typeof portsOf>, worker: Worker) => Promise<T>): Promise<T> {
      clock.advance(1000);
      const answer = await request(portsOf(fate.begin()), workerOf());
      await deliver();
      return answer;
    },
    /** Ticks every half minute until the run is in one of some states. */
    async until(slot: RunSlot, states: readonly RunState[]): Promise<Run> {
      for (let number = 0; number < 2_000; number += 1) {
        const run = await ledger.getRun(slot);
        if (run && states.includes(run.state)) return run;
        await this.tick();
        clock.advance(30_000);
      }
      throw new Error(
        `the run is ${(await ledger.getRun(slot))?.state} and comes to ${states.join(', ')} never`,
      );
    },
    /** Ticks every half minute until nothing is due for longer than any lease. */
    async live(onPass?: (number: number) => void) {
      for (let number = 0, idle = 0; number < 400 && idle < 3; number += 1) {
        await this.tick();
        clock.advance(30_000);
        onPass?.(number);
        const next = await ledger.findDue({ pipeline: 'orders', until: new Date(8.64e15), limit: 1 });
        idle = next.length === 0 ? idle + 1 : 0;
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

export type ChainWorld = ReturnType<typeof createChainWorld>;
type CataloguePort = Parameters<typeof tick>[0]['catalogue'];
export type LivingPorts = ChainPorts;

/** Each item of an iteration as a step. */
async function* stepwise<T>(life: Life, items: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await life.take(() => iterator.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}

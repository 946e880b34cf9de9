import type { Assignment, FromContender, Performance, Proof, ToContender } from './assignment.ts';

/** One contender, opened in its own process. */
export interface Peer {
  /** Brings about what is there before a renewal begins; not measured. */
  prepare?(names: readonly string[]): Promise<void>;
  /** Obtains one certificate; no two calls with the same `slot` overlap. */
  renew(name: string, slot: number): Promise<void>;
  /** User and system time used so far, in milliseconds; undefined where this system does not tell. */
  cpuMillis(): number | undefined;
}

/** The endpoint that answers http-01 for every contender. */
export interface Proofs {
  show(proof: Proof): Promise<void>;
  withdraw(proof: Proof): Promise<void>;
}

/** Serves as a contender's process: prepares, says so, performs when told to, reports, ends with its parent. */
export function servePeer(open: (assignment: Assignment, proofs: Proofs) => Promise<Peer>): void {
  const { proofs, handled } = createProofs();
  let perform: (() => Promise<Performance>) | undefined;
  const answer = async (message: ToContender): Promise<FromContender | undefined> => {
    if (message.kind === 'proof-handled') handled(message.id);
    if (message.kind === 'prepare') {
      const { assignment } = message;
      const peer = await open(assignment, proofs);
      await warmUp(peer, assignment);
      perform = () => measure(peer, assignment);
      return { kind: 'ready' };
    }
    if (message.kind === 'go' && perform) return { kind: 'done', performance: await perform() };
    return undefined;
  };
  process.on('message', (message: ToContender) => {
    answer(message).then(
      (reply) => reply && send(reply),
      (error) => send({ kind: 'failed', problem: explain(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
}

export const ownCpuMillis = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

async function warmUp(peer: Peer, { warmUpNames, names }: Assignment): Promise<void> {
  await peer.prepare?.([...warmUpNames, ...names]);
  const [first, ...others] = warmUpNames;
  // The first alone: it registers the account.
  if (first) await peer.renew(first, 0);
  await Promise.all(others.map((name, index) => peer.renew(name, index)));
}

async function measure(peer: Peer, { names, concurrency, budgetMillis }: Assignment): Promise<Performance> {
  const queue = names.values();
  const failures: string[] = [];
  const latencyMillis: number[] = [];
  const cpuBefore = peer.cpuMillis();
  const startedAt = performance.now();
  const work = async (slot: number) => {
    for (const name of queue) {
      const begunAt = performance.now();
      if (begunAt - startedAt > budgetMillis) return;
      try {
        await peer.renew(name, slot);
        latencyMillis.push(performance.now() - begunAt);
      } catch (error) {
        failures.push(`${name}: ${explain(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, slot) => work(slot)));
  const cpuAfter = peer.cpuMillis();
  return {
    attempted: latencyMillis.length + failures.length,
    renewed: latencyMillis.length,
    failures,
    elapsedMillis: performance.now() - startedAt,
    cpuMillis: cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore,
    latencyMillis,
  };
}

function createProofs() {
  const waiting = new Map<number, () => void>();
  let sent = 0;
  const ask = (kind: 'show' | 'withdraw') => (proof: Proof) =>
    new Promise<void>((resolve) => {
      const id = sent++;
      waiting.set(id, resolve);
      send({ kind, id, proof });
    });
  const handled = (id: number) => {
    waiting.get(id)?.();
    waiting.delete(id);
  };
  return { proofs: { show: ask('show'), withdraw: ask('withdraw') } satisfies Proofs, handled };
}

function send(message: FromContender): void {
  process.send?.(message);
}

const explain = (error: unknown): string => (error instanceof Error ? error.message : String(error));

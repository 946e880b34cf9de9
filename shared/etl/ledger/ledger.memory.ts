import { type Chunk, type ChunkRef, chunkLost, type LeasedChunk } from './chunk.ts';
import type { DueWork, RunLedger } from './ledger.ts';
import type { Lease, Run, RunSlot } from './run.ts';

interface ChunkEntry {
  readonly chunk: Chunk;
  readonly fence: number;
  readonly lease?: Lease | undefined;
}

const runKey = ({ pipeline, scopeKey }: RunSlot) => `${pipeline} ${scopeKey}`;
const chunkKey = ({ pipeline, runId, chunkId }: ChunkRef) => `${pipeline} ${runId} ${chunkId}`;

/** The contract of RunLedger in one process's memory. */
export function createMemoryRunLedger(): RunLedger {
  const runs = new Map<string, Run>();
  const chunks = new Map<string, ChunkEntry>();
  const finished = new Map<string, Set<number>>();
  const scheduled = new Map<string, Date>();

  const write = (leased: LeasedChunk, lease: Lease | undefined) => {
    const { lease: held, ...chunk } = leased;
    if (chunks.get(chunkKey(leased))?.fence !== held.fence) throw chunkLost(leased);
    const written = lease ? { ...chunk, nextActionAt: lease.until } : chunk;
    chunks.set(chunkKey(leased), { chunk: written, fence: held.fence, lease });
  };
  const dueWork = (): DueWork[] => [
    ...[...runs.values()].flatMap(({ pipeline, scopeKey, state, nextActionAt }) =>
      nextActionAt ? [{ kind: 'run' as const, pipeline, scopeKey, state, nextActionAt }] : [],
    ),
    ...[...chunks.values()].flatMap(({ chunk: { pipeline, runId, chunkId, stage, nextActionAt } }) =>
      nextActionAt ? [{ kind: 'chunk' as const, pipeline, runId, chunkId, stage, nextActionAt }] : [],
    ),
  ];

  return {
    async openRun(run) {
      const there = runs.get(runKey(run)) ?? run;
      runs.set(runKey(run), there);
      return there;
    },
    getRun: async (slot) => runs.get(runKey(slot)),
    async replaceRun(run) {
      if (runs.get(runKey(run))?.version !== run.version - 1) return false;
      runs.set(runKey(run), run);
      return true;
    },
    lastCommit: async (pipeline) =>
      [...runs.values()]
        .filter((run) => run.pipeline === pipeline && run.scope.kind === 'window' && run.committed)
        .sort((a, b) => (a.scopeKey < b.scopeKey ? 1 : -1))[0]?.committed,
    scheduledUntil: async (pipeline) => scheduled.get(pipeline),
    async markScheduled(pipeline, until) {
      if (until > (scheduled.get(pipeline) ?? new Date(0))) scheduled.set(pipeline, until);
    },

    async addChunks(added) {
      for (const chunk of added)
        if (!chunks.has(chunkKey(chunk))) chunks.set(chunkKey(chunk), { chunk, fence: 0 });
    },
    getChunk: async (ref) => chunks.get(chunkKey(ref))?.chunk,
    listChunks: async ({ pipeline, runId }) =>
      [...chunks.values()]
        .map(({ chunk }) => chunk)
        .filter((chunk) => chunk.pipeline === pipeline && chunk.runId === runId)
        .sort((a, b) => a.ordinal - b.ordinal),
    async claimChunk(ref, { owner, now, until }) {
      const entry = chunks.get(chunkKey(ref));
      if (!entry || entry.chunk.phase === 'done') return undefined;
      if (entry.chunk.restsUntil && entry.chunk.restsUntil > now) return undefined;
      if (entry.lease && entry.lease.until > now && entry.lease.owner !== owner) return undefined;
      const fence = entry.fence + 1;
      const chunk = { ...entry.chunk, nextActionAt: until };
      chunks.set(chunkKey(ref), { chunk, fence, lease: { owner, until } });
      return { ...chunk, lease: { owner, until, fence, takenOver: entry.lease !== undefined } };
    },
    saveChunk: async (leased) => write(leased, { owner: leased.lease.owner, until: leased.lease.until }),
    releaseChunk: async (leased) => write(leased, undefined),

    async countFinished({ pipeline, runId, ordinal }, stage) {
      const key = `${pipeline} ${runId} ${stage}`;
      const through = (finished.get(key) ?? new Set()).add(ordinal);
      finished.set(key, through);
      return through.size;
    },
    finishedCount: async ({ pipeline, runId }, stage) =>
      finished.get(`${pipeline} ${runId} ${stage}`)?.size ?? 0,

    findDue: async ({ pipeline, until, limit }) =>
      dueWork()
        .filter((due) => due.pipeline === pipeline && due.nextActionAt <= until)
        .sort((a, b) => a.nextActionAt.getTime() - b.nextActionAt.getTime())
        .slice(0, limit),
    async postpone(due, nextActionAt) {
      const isUnchanged = (now: Date | undefined) => now?.getTime() === due.nextActionAt.getTime();
      if (due.kind === 'run') {
        const run = runs.get(runKey(due));
        if (!run || !isUnchanged(run.nextActionAt)) return false;
        runs.set(runKey(due), { ...run, nextActionAt });
        return true;
      }
      const entry = chunks.get(chunkKey(due));
      if (!entry || !isUnchanged(entry.chunk.nextActionAt)) return false;
      chunks.set(chunkKey(due), { ...entry, chunk: { ...entry.chunk, nextActionAt } });
      return true;
    },
  };
}

import type { Row } from '../record.ts';
import type { Destination, FinishedLoad, LoadFigures, LoadRequest, TableShape } from './destination.ts';
import {
  decideLoad,
  digestOf,
  incomplete,
  type LoadedChunk,
  rowsDiffer,
  rowsOf,
  superseded,
} from './load-precedence.ts';

export interface MemoryDestination extends Destination {
  /** What the table holds, in the order of the first arrival of each key. */
  rows(): readonly Row[];
  /** The chunks of a load that the target holds, sorted. */
  chunksOf(loadId: string): readonly string[];
}

/** A table that rows are merged into by key, as the databases do; a chunk is committed in one step. */
export function createMemoryDestination(name = 'memory'): MemoryDestination {
  const table = new Map<string, Row>();
  const newestRuns = new Map<string, string>();
  const loads = new Map<string, Map<string, LoadedChunk & { readonly digest: string }>>();

  function announce({ loadId, runId }: { loadId: string; runId: string }): void {
    if ((newestRuns.get(loadId) ?? '') < runId) newestRuns.set(loadId, runId);
  }

  /** Nothing is awaited in here: this is the transaction. */
  function commit({ chunk, shape, parts }: LoadRequest, rows: readonly Row[]): LoadFigures {
    const { loadId, chunkId, runId, fence } = chunk;
    announce(chunk);
    const newestRunId = newestRuns.get(loadId);
    const chunks = loads.get(loadId) ?? new Map();
    const decision = decideLoad(chunk, rowsOf(parts), { newestRunId, loaded: chunks.get(chunkId) });
    if (decision.kind === 'superseded') throw superseded(chunk);
    if (decision.kind === 'done') return decision.figures;
    if (rows.length !== rowsOf(parts)) throw rowsDiffer(rows.length, rowsOf(parts));
    const figures = mergeInto(table, rows, shape);
    loads.set(
      loadId,
      chunks.set(chunkId, { runId, fence, rows: rows.length, figures, digest: digestOf(parts) }),
    );
    return figures;
  }

  return {
    name,
    async load(request) {
      request.signal.throwIfAborted();
      const rows: Row[] = [];
      for (const part of request.parts) for await (const batch of part.read()) rows.push(...batch);
      request.signal.throwIfAborted();
      return commit(request, rows);
    },
    async finish(finished: FinishedLoad) {
      announce(finished);
      const chunks = loads.get(finished.loadId) ?? new Map<string, LoadedChunk>();
      if ((newestRuns.get(finished.loadId) ?? '') > finished.runId) throw superseded(finished);
      const found = finished.chunkIds.filter((id) => chunks.get(id)?.runId === finished.runId).length;
      if (found !== finished.of) throw incomplete(finished, found);
      for (const id of chunks.keys()) if (!finished.chunkIds.includes(id)) chunks.delete(id);
    },
    close: async () => undefined,
    rows: () => [...table.values()],
    chunksOf: (loadId) => [...(loads.get(loadId)?.keys() ?? [])].sort(),
  };
}

function mergeInto(table: Map<string, Row>, rows: readonly Row[], shape: TableShape): LoadFigures {
  let [inserted, updated] = [0, 0];
  for (const row of newestByKey(rows, shape)) {
    const key = keyOf(row, shape);
    const held = table.get(key);
    if (held && (isOlder(row, held, shape) || isSame(row, held, shape))) continue;
    table.set(key, row);
    if (held) updated += 1;
    else inserted += 1;
  }
  return { inserted, updated, unchanged: rows.length - inserted - updated };
}

function newestByKey(rows: readonly Row[], shape: TableShape): readonly Row[] {
  const newest = new Map<string, Row>();
  for (const row of rows) {
    const held = newest.get(keyOf(row, shape));
    if (!held || !isOlder(row, held, shape)) newest.set(keyOf(row, shape), row);
  }
  return [...newest.values()];
}

const keyOf = (row: Row, { key }: TableShape): string => JSON.stringify(key.map((name) => row[name]));

function isOlder(row: Row, held: Row, { newestBy }: TableShape): boolean {
  if (newestBy === undefined) return false;
  const [mine, theirs] = [row[newestBy], held[newestBy]].map((cell) =>
    typeof cell === 'string' ? Date.parse(cell) : Number.NaN,
  );
  if (theirs === undefined || Number.isNaN(theirs)) return false;
  return mine === undefined || Number.isNaN(mine) || mine < theirs;
}

/** Ciphertext of the same value differs, so a row with some is never the same. */
function isSame(row: Row, held: Row, { columns }: TableShape): boolean {
  if (columns.some(({ protection }) => protection === 'encrypted')) return false;
  return columns
    .filter(({ metadata }) => !metadata)
    .every(({ name }) => JSON.stringify(row[name]) === JSON.stringify(held[name]));
}

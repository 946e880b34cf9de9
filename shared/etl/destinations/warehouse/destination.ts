import { asFailure, Failure } from '../../../runtime/errors.ts';
import type { Destination, FinishedLoad, LoadFigures, LoadRequest, TableShape } from '../destination.ts';
import { decideLoad, incomplete, rowsOf, superseded } from '../load-precedence.ts';
import { targetBusy } from '../target-failures.ts';
import type { Dialect, Marker, WarehouseTables } from './dialect.ts';
import {
  countChunks,
  createLedgerTables,
  readLedger,
  type SqlRow,
  selectLedger,
  writeFinishedRow,
} from './ledger-sql.ts';
import { literal } from './literals.ts';
import { createTarget } from './merge-sql.ts';

/** A warehouse as the destination drives it. Failures: those of the adapter, and `markerFailure` of an `insist`. */
export interface Warehouse {
  readonly name: string;
  readonly dialect: Dialect;
  readonly tables: WarehouseTables;
  /** Runs statements one after the other; the rows of the last one. */
  run(statements: readonly string[], signal: AbortSignal): Promise<readonly SqlRow[]>;
  /** The same, all or nothing where the warehouse can: see docs/etl/destinations.md on DDL. */
  runStep(statements: readonly string[], signal: AbortSignal): Promise<void>;
  /**
   * Stages the chunk and merges it in one transaction, once for each (load, chunk, run, fence); the chunk's row of
   * the ledger.
   */
  merge(request: LoadRequest): Promise<readonly SqlRow[]>;
  /** Erases what was staged for the load. */
  eraseStaged(load: FinishedLoad): Promise<void>;
  close(): Promise<void>;
}

export interface AfterLoadStep {
  readonly name: string;
  readonly sql: string;
}

/** How a warehouse adapter reports that a condition did not hold. */
export const markerFailure = (marker: Marker, where: string): Failure =>
  new Failure({
    code: marker,
    disposition: marker === 'etl-staged-count-differs' ? 'give-up' : 'retry',
    message:
      marker === 'etl-staged-count-differs'
        ? `${where} read another number of rows than were staged; compare the staged files with the table's columns`
        : `${where} was changed by another worker meanwhile`,
  });

export function createWarehouseDestination(
  warehouse: Warehouse,
  afterLoad: readonly AfterLoadStep[] = [],
): Destination {
  let prepared: Promise<unknown> | undefined;
  const prepare = async (shape: TableShape, signal: AbortSignal) => {
    const { dialect, tables } = warehouse;
    const statements = [createTarget(dialect, tables, shape), ...createLedgerTables(dialect, tables)];
    prepared ??= warehouse.run(statements, signal);
    await prepared.catch((error: unknown) => {
      prepared = undefined;
      throw error;
    });
  };
  return {
    name: warehouse.name,
    async load(request) {
      await prepare(request.shape, request.signal);
      return loadChunk(warehouse, request);
    },
    async finish(load) {
      await prepare(load.shape, load.signal);
      const { tables } = warehouse;
      const [[loaded, newer] = []] = await warehouse.run([countChunks(tables, load)], load.signal);
      if (Number(newer) > 0) throw superseded(load);
      if (Number(loaded) < load.of) throw incomplete(load, Number(loaded));
      await warehouse.run(writeFinishedRow(warehouse.dialect, tables, load), load.signal);
      await warehouse.eraseStaged(load);
      for (const step of afterLoad) await runStepOnce(warehouse, load, step);
    },
    close: () => warehouse.close(),
  };
}

async function loadChunk(warehouse: Warehouse, request: LoadRequest): Promise<LoadFigures> {
  const { chunk, parts, signal } = request;
  // The second look is for the ledger that moved between the first one and the transaction.
  for (const _ of ['first', 'second']) {
    const held = readLedger(await warehouse.run([selectLedger(warehouse.tables, chunk)], signal));
    const decision = decideLoad(chunk, rowsOf(parts), { newestRunId: held?.runId, loaded: held });
    if (decision.kind === 'superseded') throw superseded(chunk);
    if (decision.kind === 'done') return decision.figures;
    try {
      return figuresOf(warehouse, request, await warehouse.merge(request));
    } catch (error) {
      if (asFailure(error).code !== 'etl-ledger-moved') throw error;
    }
  }
  throw targetBusy(`chunk ${chunk.chunkId} at ${warehouse.name}`);
}

function figuresOf(warehouse: Warehouse, request: LoadRequest, rows: readonly SqlRow[]): LoadFigures {
  const figures = readLedger(rows)?.figures;
  const total = figures && figures.inserted + figures.updated + figures.unchanged;
  if (figures && total === rowsOf(request.parts)) return figures;
  throw new Failure({
    code: 'load-figures-differ',
    disposition: 'bug',
    message: `${warehouse.name} counts ${total ?? 'no'} rows where ${rowsOf(request.parts)} were staged`,
  });
}

async function runStepOnce(warehouse: Warehouse, load: FinishedLoad, step: AfterLoadStep): Promise<void> {
  const { dialect, tables } = warehouse;
  const ids = [load.pipeline, load.loadId, load.runId, step.name].map(literal);
  const isNotDone =
    `(SELECT COUNT(*) FROM ${tables.steps} WHERE load_id = ${ids[1]} AND run_id = ${ids[2]} ` +
    `AND name = ${ids[3]}) = 0`;
  try {
    await warehouse.runStep(
      [
        dialect.insist(isNotDone, 'etl-step-done'),
        step.sql.replace(/[\s;]+$/, ''),
        `INSERT INTO ${tables.steps} (pipeline, load_id, run_id, name, done_at) ` +
          `SELECT ${ids.join(', ')}, ${dialect.now}`,
      ],
      load.signal,
    );
  } catch (error) {
    if (asFailure(error).code !== 'etl-step-done') throw error;
  }
}

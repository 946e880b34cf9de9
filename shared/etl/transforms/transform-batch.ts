import type { QualityTally } from '../books/quality.ts';
import {
  createDriftCounter,
  isReportableName,
  type SchemaDrift,
  type UnknownColumns,
} from '../contract/drift.ts';
import { mostReasons } from '../contract/row-contract.ts';
import { pointerTo } from '../definition/json-pointer.ts';
import type {
  Cell,
  QuarantinedRecord,
  QuarantineReason,
  RecordPosition,
  Row,
  SourceRecord,
} from '../record.ts';
import type { PlannedColumn, TransformPlan } from './plan.ts';
import { createQualityCounter } from './quality-counter.ts';
import type { SeenKeys } from './seen-keys.ts';
import type { RowVerdict } from './transform.ts';

/** A record fit for its destination: every planned column, in order, null where there is nothing. */
export interface CleanRecord {
  readonly position: RecordPosition;
  readonly row: Row;
}

/** What became of a batch. Every record is in exactly one of the four counts, so the books can be balanced. */
export interface TransformedBatch {
  readonly accepted: readonly CleanRecord[];
  readonly quarantined: readonly QuarantinedRecord[];
  /** Records a filter left out. */
  readonly filtered: number;
  /** Records whose key had been seen in the window. */
  readonly duplicates: number;
  /** Columns the contract does not know: dropped, sealed or the reason for quarantine, as it says. */
  readonly drift: SchemaDrift;
  /** Of all records of the batch as they came, to be added up by addTallies. */
  readonly quality: QualityTally;
}

/**
 * Takes a batch through contract and transforms. Depends on nothing but its arguments; remembers nothing but the
 * keys in `seen` (one window, one set) and the plan's count of IVs. The records given are not changed.
 * @throws Failure `contract-type-frozen`, `cell-key-exhausted`, `dedupe-window-full`
 */
export function transformBatch(
  batch: readonly SourceRecord[],
  plan: TransformPlan,
  seen: SeenKeys,
): TransformedBatch {
  const accepted: CleanRecord[] = [];
  const quarantined: QuarantinedRecord[] = [];
  const drift = createDriftCounter();
  const quality = createQualityCounter(plan.counted);
  const cells: Cell[] = [];
  const emptyRow = describeRow(plan.columns);
  let filtered = 0;
  let duplicates = 0;
  for (const { position, row } of batch) {
    const setAside = (reasons: readonly QuarantineReason[]) => quarantined.push({ position, reasons, row });
    const unknown = findUnknown(plan, row);
    if (unknown) drift.count(unknown);
    const reasons = addStrangers(plan, plan.contract.load(row, cells), unknown);
    quality.count(cells, reasons);
    if (reasons) {
      setAside(reasons);
      continue;
    }
    const verdict = runSteps(plan, cells, seen);
    if (verdict === undefined) {
      accepted.push({ position, row: writeRow(plan, cells, emptyRow, unknown && { ...unknown, row }) });
    } else if (verdict === 'filtered') filtered++;
    else if (verdict === 'duplicate') duplicates++;
    else setAside([verdict]);
  }
  return { accepted, quarantined, filtered, duplicates, drift: drift.read(), quality: quality.read() };
}

function runSteps({ steps }: TransformPlan, cells: Cell[], seen: SeenKeys): RowVerdict {
  for (const step of steps) {
    const verdict = step(cells, seen);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

type WritableRow = Record<string, Cell>;

/** Names cannot be those of Object.prototype (definition/names.ts), so a plain object is as safe and far cheaper. */
const describeRow = (columns: readonly PlannedColumn[]): Row =>
  Object.fromEntries(columns.map(({ name }) => [name, null]));

function writeRow(
  plan: TransformPlan,
  cells: Cell[],
  emptyRow: Row,
  unknown: { names: readonly string[]; row: Row } | undefined,
): Row {
  plan.seal.seal(cells);
  // A copy of one shape: the engine clones it whole instead of adding column by column.
  const row: WritableRow = { ...emptyRow };
  for (const { name, slot } of plan.columns) row[name] = cells[slot] ?? null;
  if (unknown && plan.unknownColumns === 'evolve') plan.seal.sealUnknown(cells, unknown, row);
  return row;
}

/** Under a contract that quarantines unknown columns each of them is a reason, within what is kept of reasons. */
function addStrangers(
  { unknownColumns }: TransformPlan,
  reasons: readonly QuarantineReason[] | undefined,
  unknown: UnknownColumns | undefined,
): readonly QuarantineReason[] | undefined {
  if (!unknown || unknownColumns !== 'quarantine') return reasons;
  const { names, nameable } = unknown;
  const strangers = names.slice(0, mostReasons).map((name) => unknownColumn(nameable ? name : undefined));
  return [...(reasons ?? []), ...strangers].slice(0, mostReasons);
}

const unknownColumn = (name: string | undefined): QuarantineReason => ({
  code: 'unknown-column',
  stage: 'contract',
  path: name !== undefined && isReportableName(name) ? pointerTo(name) : undefined,
  message: 'the contract does not know this column',
});

function findUnknown({ contract }: TransformPlan, row: Row): UnknownColumns | undefined {
  const names = contract.findUnknown(row);
  return names && { names, nameable: names.length < Object.keys(row).length };
}

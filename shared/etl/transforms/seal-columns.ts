import { type CellSealer, createCellSealer, rowKeyOf } from '../cells/cell-format.ts';
import { isReportableName } from '../contract/drift.ts';
import { columnName } from '../definition/names.ts';
import type { Pipeline } from '../definition/pipeline-schema.ts';
import type { Cell, Row } from '../record.ts';
import type { ColumnFlow } from './column-flow.ts';
import { type PlanMaterials, requireKey, slotOf } from './transform.ts';

/** Distinct unknown columns let in by one plan; a source that invents names gets no further. */
const mostEvolved = 50;

/** The last thing done to a row: seals what is to arrive encrypted. */
export interface ColumnSeal {
  /** Seals cells in place. */
  seal(cells: Cell[]): void;
  /** Seals columns the contract does not know into `target`; gives the names it did not take. */
  sealUnknown(
    cells: readonly Cell[],
    unknown: { names: readonly string[]; row: Row },
    target: Record<string, Cell>,
  ): string[];
}

/**
 * Prepares sealing for the columns as they leave the last step. Cells are bound to the record's key as it leaves too.
 * @throws Failure `pipeline-key-missing`
 */
export function createColumnSeal(pipeline: Pipeline, flow: ColumnFlow, materials: PlanMaterials): ColumnSeal {
  const address = { pipeline: pipeline.name, table: pipeline.destinations[0].table };
  const openSealer = (column: string): CellSealer =>
    createCellSealer(
      requireKey(materials.dataKey, 'encrypts columns'),
      { ...address, column },
      materials.random,
    );
  const keySlots = flow.key.map((name) => slotOf(flow, name));
  const keyOf = (cells: readonly Cell[]) => rowKeyOf(keySlots.map((slot) => cells[slot] ?? null));
  const sealed = [...flow.columns]
    .filter(([, { protection }]) => protection === 'encrypted')
    .map(([name, { slot }]) => ({ slot, seal: openSealer(name) }));
  const evolved = new Map<string, CellSealer>();
  const findSealer = (name: string): CellSealer | undefined => {
    const known = evolved.get(name);
    if (known || evolved.size >= mostEvolved || flow.find(name)) return known;
    // The name arrives in clear, and may be a value itself.
    if (!isReportableName(name) || !columnName.safeParse(name).success) return undefined;
    const opened = openSealer(name);
    evolved.set(name, opened);
    return opened;
  };
  if (pipeline.contract.unknownColumns === 'evolve')
    requireKey(materials.dataKey, 'lets unknown columns in encrypted');
  return {
    seal(cells) {
      if (sealed.length === 0) return;
      const key = keyOf(cells);
      for (const { slot, seal } of sealed) cells[slot] = seal(cells[slot] ?? null, key);
    },
    sealUnknown(cells, { names, row }, target) {
      const key = keyOf(cells);
      return names.filter((name) => {
        const seal = findSealer(name);
        if (seal) target[name] = seal(row[name] ?? null, key);
        return !seal;
      });
    },
  };
}

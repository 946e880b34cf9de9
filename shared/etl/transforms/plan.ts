import { compileContract, type RowContract } from '../contract/row-contract.ts';
import type { ColumnType } from '../definition/column.ts';
import type { Pipeline } from '../definition/pipeline-schema.ts';
import { ColumnFlow, type Protection } from './column-flow.ts';
import type { CountedColumns } from './quality-counter.ts';
import { compileTransform, followTransform } from './registry.ts';
import { type ColumnSeal, createColumnSeal } from './seal-columns.ts';
import type { PlanMaterials, RowStep } from './transform.ts';

/** A column as it reaches the destination; null is possible unless `nullable` is false. */
export interface PlannedColumn {
  readonly name: string;
  /** Of the cell that is written: text once hashed, masked or encrypted. */
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly protection: Protection;
  readonly slot: number;
}

/**
 * A pipeline made ready for rows. One per chunk: it counts IVs and reuses memory, so it must not be shared by two
 * batches at once, nor kept beyond the run whose keys and time it holds.
 */
export interface TransformPlan {
  readonly contract: RowContract;
  readonly unknownColumns: Pipeline['contract']['unknownColumns'];
  /** What of every record is counted for the quality figures. */
  readonly counted: CountedColumns;
  readonly steps: readonly RowStep[];
  readonly seal: ColumnSeal;
  /** The destination's columns in their order; columns let in by `evolve` come besides. */
  readonly columns: readonly PlannedColumn[];
  /** The record's key under its names at the destination. */
  readonly key: readonly string[];
  /** How duplicates are found: by fingerprint, which seen-keys.ts says the odds of, or not at all. */
  readonly duplicates: 'fingerprint' | 'not-looked-for';
  /** Columns that arrive as they came; what an undeclared-PII scan looks at. */
  readonly clearColumns: readonly string[];
}

/**
 * Compiles a definition that checkPipeline has found nothing against.
 * @throws Failure `pipeline-key-missing` when a step needs a key that the materials lack; `unchecked-pipeline`
 */
export function compilePlan(pipeline: Pipeline, materials: PlanMaterials): TransformPlan {
  const flow = ColumnFlow.of(pipeline.contract);
  const names = Object.keys(pipeline.contract.columns);
  const { freshness } = pipeline.quality;
  const steps = pipeline.transforms.flatMap((step) => {
    const compiled = compileTransform(step, flow, materials);
    followTransform(step, flow, () => {});
    return compiled ? [compiled] : [];
  });
  const columns = plannedColumns(flow);
  return {
    contract: compileContract(pipeline.contract),
    unknownColumns: pipeline.contract.unknownColumns,
    counted: { names, freshnessSlot: freshness ? names.indexOf(freshness.column) : undefined },
    steps,
    seal: createColumnSeal(pipeline, flow, materials),
    columns,
    key: flow.key,
    duplicates: pipeline.transforms.some(({ type }) => type === 'dedupe') ? 'fingerprint' : 'not-looked-for',
    clearColumns: columns.filter(({ protection }) => protection === 'clear').map(({ name }) => name),
  };
}

/** The columns as they leave the last step. */
export const plannedColumns = (flow: ColumnFlow): readonly PlannedColumn[] =>
  [...flow.columns].map(([name, { type, nullable, protection, slot }]) => ({
    name,
    type: protection === 'encrypted' ? 'string' : type,
    nullable: nullable && protection !== 'encrypted',
    protection,
    slot,
  }));

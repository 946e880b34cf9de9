import { pointerTo } from '../definition/json-pointer.ts';
import type { Pipeline } from '../definition/pipeline-schema.ts';
import { ColumnFlow } from '../transforms/column-flow.ts';
import { plannedColumns } from '../transforms/plan.ts';
import { followTransform } from '../transforms/registry.ts';
import type { TableColumn, TableShape } from './destination.ts';

/** Holds, by their names, the sealed cells of columns that a contract in `evolve` does not know yet. */
export const unclassifiedColumn = '_unclassified';

/** The table that every destination of a checked definition gets. */
export function tableShapeOf(pipeline: Pipeline): TableShape {
  const flow = ColumnFlow.of(pipeline.contract);
  for (const step of pipeline.transforms) followTransform(step, flow, () => {});
  const metadata = metadataColumns(pipeline);
  const columns = plannedColumns(flow).map(
    ({ slot: _, ...column }): TableColumn => ({ ...column, metadata: metadata.has(column.name) }),
  );
  return {
    columns: pipeline.contract.unknownColumns === 'evolve' ? [...columns, unclassified] : columns,
    key: flow.key,
    newestBy: findNewestBy(pipeline, flow),
  };
}

const unclassified: TableColumn = {
  name: unclassifiedColumn,
  type: 'json',
  nullable: true,
  protection: 'encrypted',
  metadata: false,
};

const metadataColumns = ({ transforms }: Pipeline): ReadonlySet<string> =>
  new Set(
    transforms.flatMap((step) =>
      step.type === 'add_metadata' ? Object.values(step.columns).filter((name) => name !== undefined) : [],
    ),
  );

/** The watermark's column under the name it arrives by; undefined where it does not arrive as it came. */
function findNewestBy({ source }: Pipeline, flow: ColumnFlow): string | undefined {
  if (source.type === 's3' || !source.watermark) return undefined;
  const pointer = pointerTo('contract', 'columns', source.watermark.column);
  const arriving = [...flow.columns].find(
    ([, column]) =>
      column.pointer === pointer && column.protection === 'clear' && column.type === 'timestamp',
  );
  return arriving?.[0];
}

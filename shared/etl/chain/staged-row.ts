import { unclassifiedColumn } from '../destinations/table-shape.ts';
import type { Cell, Row } from '../record.ts';
import type { TransformPlan } from '../transforms/plan.ts';

/** A clean row with exactly the columns of its table: what `evolve` has let in is gathered in one of them. */
export function stagedRow(row: Row, { columns, unknownColumns }: TransformPlan): Row {
  if (unknownColumns !== 'evolve') return row;
  const names = Object.keys(row);
  // Planned columns come first, in their order.
  const evolved = names.slice(columns.length);
  const planned = Object.fromEntries(names.slice(0, columns.length).map((name) => [name, row[name] ?? null]));
  const unclassified: Record<string, Cell> = Object.fromEntries(
    evolved.map((name) => [name, row[name] ?? null]),
  );
  return { ...planned, [unclassifiedColumn]: evolved.length > 0 ? unclassified : null };
}

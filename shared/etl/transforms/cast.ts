import { z } from 'zod';
import { conversionTo } from '../contract/convert.ts';
import { columnTypes } from '../definition/column.ts';
import { columnName } from '../definition/names.ts';
import { findClearColumn, reasonFor, slotOf, type TransformKind } from './transform.ts';

const schema = z
  .strictObject({ type: z.literal('cast'), column: columnName, to: z.enum(columnTypes) })
  .describe('Changes the type where nothing is lost; other rows are set aside');

export const cast: TransformKind<typeof schema> = {
  type: 'cast',
  schema,
  follow({ column: name, to }, flow, complain) {
    if (findClearColumn(name, flow, complain)) flow.change(name, { type: to });
  },
  compile({ column, to }, flow) {
    const slot = slotOf(flow, column);
    const convert = conversionTo(to);
    const failed = reasonFor(
      column,
      'cast-failed',
      `the cell cannot become a ${to} without losing something`,
    );
    return (cells) => {
      const converted = convert(cells[slot] ?? null);
      if (converted === undefined) return failed;
      cells[slot] = converted;
      return undefined;
    };
  },
};

import { z } from 'zod';
import { columnName } from '../definition/names.ts';
import { findColumn, type TransformKind } from './transform.ts';

const schema = z
  .strictObject({ type: z.literal('drop'), column: columnName })
  .describe('Leaves a column out of the destination');

export const drop: TransformKind<typeof schema> = {
  type: 'drop',
  schema,
  follow({ column }, flow, complain) {
    if (!findColumn(column, flow, complain)) return;
    if (flow.key.includes(column)) {
      const message = 'the column is part of the key, which the destination merges by';
      complain({ code: 'key-dropped', message, path: ['column'] });
    }
    flow.drop(column);
  },
  compile: () => undefined,
};

import { z } from 'zod';
import { columnName } from '../definition/names.ts';
import { findColumn, type TransformKind } from './transform.ts';

const schema = z.strictObject({ type: z.literal('rename'), column: columnName, to: columnName });

export const rename: TransformKind<typeof schema> = {
  type: 'rename',
  schema,
  follow({ column, to }, flow, complain) {
    if (!findColumn(column, flow, complain)) return;
    if (flow.find(to)) {
      complain({ code: 'column-exists', message: `${JSON.stringify(to)} is there already`, path: ['to'] });
      return;
    }
    flow.rename(column, to);
  },
  compile: () => undefined,
};

import { z } from 'zod';
import { columnName } from '../definition/names.ts';
import type { Cell } from '../record.ts';
import { findClearColumn, findColumn, slotOf, type TransformKind } from './transform.ts';

const schema = z
  .strictObject({
    type: z.literal('dedupe'),
    columns: z.array(columnName).min(1).max(8).optional().describe('The key of the contract when absent'),
  })
  .describe('Keeps the first record of every key within a chunk');

/** Keeps what comes first. See seen-keys.ts for how exact it is; across chunks the destination merges by key. */
export const dedupe: TransformKind<typeof schema> = {
  type: 'dedupe',
  schema,
  follow({ columns }, flow, complain) {
    for (const [index, name] of (columns ?? flow.key).entries()) {
      const at = columns ? ['columns', index] : [];
      const complainThere: typeof complain = (problem) => complain({ ...problem, path: at });
      const column = findColumn(name, flow, complainThere);
      if (column && column.protection !== 'hashed') findClearColumn(name, flow, complainThere);
    }
  },
  compile({ columns }, flow) {
    const slots = (columns ?? flow.key).map((name) => slotOf(flow, name));
    const key: Cell[] = [];
    return (cells, seen) => {
      for (let index = 0; index < slots.length; index++) key[index] = cells[slots[index] ?? 0] ?? null;
      return seen.add(JSON.stringify(key)) ? undefined : 'duplicate';
    };
  },
};

import { z } from 'zod';
import { Failure } from '../../runtime/errors.ts';
import { compileFilter } from '../expressions/filter.ts';
import type { ColumnFlow } from './column-flow.ts';
import type { TransformKind } from './transform.ts';

const schema = z
  .strictObject({
    type: z.literal('filter'),
    keep: z.string().min(1).max(2_000).describe('CEL over row.<column>; rows for which it is true go on'),
  })
  .describe('Leaves out rows. A row on which the expression errs is set aside, not left out');

/** Sealed and pseudonymous columns can be compared with nothing a definition could name. */
const readable = (flow: ColumnFlow) =>
  new Map([...flow.columns].filter(([, { protection }]) => protection === 'clear'));

export const filter: TransformKind<typeof schema> = {
  type: 'filter',
  schema,
  follow({ keep }, flow, complain) {
    const compiled = compileFilter(keep, readable(flow));
    if ('code' in compiled) complain({ ...compiled, path: ['keep'] });
  },
  compile({ keep }, flow) {
    const compiled = compileFilter(keep, readable(flow));
    if ('code' in compiled) throw new Failure({ ...compiled, disposition: 'bug' });
    return (cells) => {
      const kept = compiled.decide(cells);
      if (kept === true) return undefined;
      return kept === false ? 'filtered' : kept;
    };
  },
};

import { z } from 'zod';
import type { ColumnType } from '../definition/column.ts';
import { columnName } from '../definition/names.ts';
import type { PlanMaterials, TransformKind } from './transform.ts';

const schema = z
  .strictObject({
    type: z.literal('add_metadata'),
    columns: z
      .strictObject({
        timestamp: columnName.optional(),
        version: columnName.optional(),
        runId: columnName.optional(),
        source: columnName.optional(),
      })
      .default({
        timestamp: '_pipeline_timestamp',
        version: '_pipeline_version',
        runId: '_run_id',
        source: '_source',
      })
      .describe('What to add, under which name; all four under their usual names when absent'),
  })
  .describe('Says on every record when, by which run and version and from where it came');

type Fact = keyof z.output<typeof schema>['columns'];

const facts: Readonly<Record<Fact, { type: ColumnType; read: (run: PlanMaterials['run']) => string }>> = {
  timestamp: { type: 'timestamp', read: ({ startedAt }) => startedAt.toISOString() },
  version: { type: 'string', read: ({ version }) => version },
  runId: { type: 'string', read: ({ runId }) => runId },
  source: { type: 'string', read: ({ source }) => source },
};

const chosen = ({ columns }: z.output<typeof schema>) =>
  (Object.keys(facts) as Fact[]).flatMap((fact) => {
    const name = columns[fact];
    return name === undefined ? [] : [{ fact, name }];
  });

export const addMetadata: TransformKind<typeof schema> = {
  type: 'add_metadata',
  schema,
  follow(step, flow, complain) {
    for (const { fact, name } of chosen(step)) {
      if (flow.find(name)) {
        const message = `${JSON.stringify(name)} is there already`;
        complain({ code: 'column-exists', message, path: ['columns', fact] });
        continue;
      }
      flow.add(name, {
        type: facts[fact].type,
        nullable: false,
        classification: 'internal',
        protection: 'clear',
        fewValues: true,
        pointer: '',
      });
    }
  },
  compile(step, flow, { run }) {
    const values = chosen(step).map(({ fact }, index) => ({
      slot: flow.slots + index,
      value: facts[fact].read(run),
    }));
    return (cells) => {
      for (const { slot, value } of values) cells[slot] = value;
      return undefined;
    };
  },
};

import { z } from 'zod';
import { transformSchema } from '../transforms/registry.ts';
import { contractSchema } from './column.ts';
import { destinationSchema } from './destination-schema.ts';
import { columnName, plainName } from './names.ts';
import { sourceSchema } from './source-schema.ts';

const person = z.email().max(254);
const rate = z.number().min(0).max(1);

/** Shares of rows, 0 to 1; beyond `warn` people are told, beyond `fail` the run fails. */
const threshold = z.strictObject({ warn: rate.optional(), fail: rate.optional() });

const qualitySchema = z.strictObject({
  nullRate: z
    .record(columnName, threshold)
    .optional()
    .describe('Of the columns of the contract, as records come in'),
  duplicateRate: threshold.optional(),
  schemaViolationRate: threshold.optional(),
  freshness: z
    .strictObject({
      column: columnName.describe('A timestamp; the newest one counts'),
      warnSeconds: z.int().min(1).optional(),
      failSeconds: z.int().min(1).optional(),
    })
    .optional(),
});

const quarantineSchema = z
  .discriminatedUnion('failOn', [
    z.strictObject({ failOn: z.literal('first') }),
    z.strictObject({ failOn: z.literal('count'), maxCount: z.int().min(0) }),
    z.strictObject({ failOn: z.literal('percent'), maxPercent: z.number().min(0).max(100) }),
    z.strictObject({ failOn: z.literal('never') }).describe('People are warned, the run goes on'),
  ])
  .default({ failOn: 'percent', maxPercent: 5 });

const retentionSchema = z
  .strictObject({
    rawHours: z.int().min(1).max(720).default(24),
    quarantineDays: z.int().min(1).max(365).default(30),
    loadedDays: z.int().min(1).optional().describe('Of the S3 destination; for ever when absent'),
  })
  .default({ rawHours: 24, quarantineDays: 30 });

/** How time is cut: one run per window, on a grid that never moves. */
const windowSchema = z
  .strictObject({
    everySeconds: z.int().min(60).max(2_678_400).default(86_400),
    offsetSeconds: z.int().min(0).max(2_678_400).default(0).describe('Where the grid begins, after 1970'),
    lagSeconds: z.int().min(0).max(604_800).default(0).describe('How late records may still arrive'),
    automatic: z.boolean().default(true).describe('false: runs are started by hand alone'),
  })
  .default({ everySeconds: 86_400, offsetSeconds: 0, lagSeconds: 0, automatic: true });

/** A pipeline is data: what is read from where, what it must look like, what becomes of it, where it goes. */
export const pipelineSchema = z.strictObject({
  $schema: z.string().optional(),
  name: plainName,
  description: z.string().max(1_000).optional(),
  owner: person.describe('Hears of every run and every failure'),
  analyst: person.optional().describe('Hears when the data is ready'),
  window: windowSchema,
  certificates: z
    .strictObject({ minimumDaysLeft: z.int().min(0).max(365).default(7) })
    .default({ minimumDaysLeft: 7 })
    .describe('A run is held while a certificate it uses has fewer days left'),
  source: sourceSchema,
  contract: contractSchema,
  transforms: z.array(transformSchema).max(200).default([]),
  destinations: z
    .tuple([destinationSchema], destinationSchema)
    .refine((all) => all.length <= 4, 'names more than 4 destinations')
    .describe('Each gets every row; the first one names the table that encrypted cells are bound to'),
  quality: qualitySchema.default({}),
  quarantine: quarantineSchema,
  retention: retentionSchema,
});

export type Pipeline = z.output<typeof pipelineSchema>;

/** The definition's JSON Schema (draft 2020-12), as docs/etl/pipeline.schema.json publishes it. */
export function describePipelines(): Record<string, unknown> {
  const schema = z.toJSONSchema(pipelineSchema, { io: 'input', unrepresentable: 'any' });
  return { ...schema, title: 'certfleet pipeline definition' };
}

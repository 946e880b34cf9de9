import { z } from 'zod';
import { columnName } from './names.ts';

/** What a cell may be; a decimal is kept as its digits, a timestamp as RFC 3339 text, a date as YYYY-MM-DD. */
export const columnTypes = [
  'string',
  'integer',
  'number',
  'boolean',
  'timestamp',
  'date',
  'decimal',
  'json',
] as const;
export type ColumnType = (typeof columnTypes)[number];

/** `pii` and `secret` never reach a destination in clear; `unclassified` only encrypted. */
export const classifications = ['public', 'internal', 'pii', 'secret', 'unclassified'] as const;
export type Classification = (typeof classifications)[number];

const safe = z.int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);

/** Rules each type understands; the others are refused there rather than ignored. */
const rulesOf: Readonly<Record<ColumnType, readonly string[]>> = {
  string: ['pattern', 'enum', 'minLength', 'maxLength'],
  integer: ['enum', 'min', 'max'],
  number: ['min', 'max'],
  boolean: [],
  timestamp: [],
  date: [],
  decimal: [],
  json: [],
};

export const columnSchema = z
  .strictObject({
    type: z.enum(columnTypes),
    nullable: z.boolean().default(false).describe('Null, or missing from the record'),
    classification: z.enum(classifications),
    pattern: z.string().min(1).max(512).optional().describe('RE2; found anywhere unless anchored'),
    enum: z
      .array(z.union([z.string(), safe]))
      .min(1)
      .max(1_000)
      .optional(),
    min: z.number().optional(),
    max: z.number().optional(),
    minLength: z.int().min(0).optional(),
    maxLength: z.int().min(1).optional(),
    description: z.string().max(500).optional(),
  })
  .superRefine((column, context) => {
    for (const rule of ['pattern', 'enum', 'min', 'max', 'minLength', 'maxLength'] as const) {
      if (column[rule] === undefined || rulesOf[column.type].includes(rule)) continue;
      context.addIssue({ code: 'custom', path: [rule], message: `means nothing to a ${column.type}` });
    }
    const wanted = column.type === 'integer' ? 'number' : 'string';
    if (column.enum?.some((value) => typeof value !== wanted)) {
      context.addIssue({
        code: 'custom',
        path: ['enum'],
        message: `holds a value that is no ${column.type}`,
      });
    }
    if (column.min !== undefined && column.max !== undefined && column.min > column.max) {
      context.addIssue({ code: 'custom', path: ['max'], message: 'is below min' });
    }
  });

export type ColumnContract = z.output<typeof columnSchema>;

export const contractSchema = z.strictObject({
  version: z.int().min(1).default(1).describe('Raised with every change that consumers must know'),
  columns: z
    .record(columnName, columnSchema)
    .refine((columns) => Object.keys(columns).length > 0, 'names no column')
    .refine((columns) => Object.keys(columns).length <= 1_000, 'names more than 1000 columns'),
  unknownColumns: z
    .enum(['freeze', 'evolve', 'quarantine'])
    .default('freeze')
    .describe('freeze: dropped and counted; evolve: kept, encrypted until classified; quarantine: the row'),
  types: z
    .enum(['freeze', 'coerce', 'quarantine'])
    .default('quarantine')
    .describe('A cell of another type: freeze stops the run, coerce converts what loses nothing, quarantine'),
  key: z.array(columnName).min(1).max(8).describe('Columns that together name a record'),
});

export type DataContract = z.output<typeof contractSchema>;

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { RE2JS } from 're2js';
import type { ColumnContract } from '../definition/column.ts';
import type { Cell } from '../record.ts';
import { isDate, isDecimal, isInteger, isTimestamp } from './text-forms.ts';

/** Text a pattern looks at; a longer cell is refused before the pattern is asked. */
export const patternedCharacters = 4_096;

const compilePattern = (source: string) => RE2JS.compile(source);

/** Patterns are RE2, so that none of them can be made to backtrack by what a row holds. */
const linearPattern = Object.assign((source: string) => compilePattern(source), {
  code: 'new RegExp',
});

/** Integers beyond a double arrive as digits; a bound within it is passed or failed by their sign alone. */
const formats = {
  timestamp: isTimestamp,
  date: isDate,
  decimal: isDecimal,
  'large-integer': (text: string) => isInteger(text) && !Number.isSafeInteger(Number(text)),
  'large-positive': (text: string) => text[0] !== '-' && formats['large-integer'](text),
  'large-negative': (text: string) => text[0] === '-' && formats['large-integer'](text),
} as const;

/**
 * Compiles a contract into one check over a row's cells in the order of the columns, null for what is missing. A
 * contract must have passed the definition's schema: its values become part of a compiled check.
 */
export function compileRowSchema(columns: readonly ColumnContract[]): ValidateFunction<readonly Cell[]> {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: false,
    validateSchema: false,
    addUsedSchema: false,
    logger: false,
    code: { regExp: linearPattern },
  });
  for (const [name, validate] of Object.entries(formats)) ajv.addFormat(name, { type: 'string', validate });
  return ajv.compile({ type: 'array', prefixItems: columns.map(describeCell) });
}

type JsonSchema = Readonly<Record<string, unknown>>;

function describeCell(column: ColumnContract): JsonSchema {
  const { type = [], ...rules } = describeType(column);
  if (column.type === 'json') return column.nullable ? {} : { not: { type: 'null' } };
  const types = [type, column.nullable ? 'null' : []].flat();
  // An enumeration is asked of every type, so null has to be in it.
  const values = column.enum && { enum: column.nullable ? [...column.enum, null] : column.enum };
  return { type: types.length === 1 ? types[0] : types, ...rules, ...values };
}

function describeType(column: ColumnContract): JsonSchema {
  const { min, max } = column;
  switch (column.type) {
    case 'string':
      return {
        type: 'string',
        ...(column.pattern === undefined ? {} : { pattern: column.pattern, maxLength: patternedCharacters }),
        ...(column.minLength === undefined ? {} : { minLength: column.minLength }),
        ...(column.maxLength === undefined ? {} : { maxLength: boundLength(column) }),
      };
    case 'integer':
      return { ...describeInteger(column), ...bounds(min, max) };
    case 'number':
      return { type: 'number', ...bounds(min, max) };
    case 'boolean':
      return { type: 'boolean' };
    case 'json':
      return {};
    default:
      return { type: 'string', format: column.type };
  }
}

const boundLength = ({ pattern, maxLength = 0 }: ColumnContract) =>
  pattern === undefined ? maxLength : Math.min(maxLength, patternedCharacters);

const bounds = (min: number | undefined, max: number | undefined) => ({
  ...(min === undefined ? {} : { minimum: min }),
  ...(max === undefined ? {} : { maximum: max }),
});

function describeInteger({ min, max, enum: values }: ColumnContract): JsonSchema {
  if (values || (min !== undefined && max !== undefined)) return { type: 'integer' };
  const format =
    min !== undefined ? 'large-positive' : max !== undefined ? 'large-negative' : 'large-integer';
  return { type: ['integer', 'string'], format };
}

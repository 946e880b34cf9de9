import { EvaluationError, type ParseResult } from '@marcbachmann/cel-js';
import type { RE2JS } from 're2js';
import type { ColumnType } from '../definition/column.ts';
import type { Cell, QuarantineReason } from '../record.ts';
import { type Comparison, compileComparison } from './comparisons.ts';
import { inspectFilter, type Refusal } from './refusals.ts';
import { celTypeOf, createEnvironment, FilteredRow, filterLimits, filterRowLimits } from './syntax.ts';

/** A column a filter may read: what it holds and where the row's cells keep it. */
export interface FilterColumn {
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly slot: number;
}

export interface CompiledFilter {
  /** Columns it reads. */
  readonly columns: readonly string[];
  /**
   * Whether the row is kept. An expression that errs on a row gives a reason instead of an answer, so that nobody
   * takes the row for one that was filtered. Bounded: no row takes 100 ms.
   */
  decide(cells: readonly Cell[]): boolean | QuarantineReason;
}

/**
 * Compiles a CEL expression over `row`. Nothing of it is ever turned into code of the host language; it is walked,
 * type-checked against the columns, and must give a bool.
 */
export function compileFilter(
  expression: string,
  columns: ReadonlyMap<string, FilterColumn>,
): CompiledFilter | Refusal {
  if (expression.length > filterLimits.characters) {
    return { code: 'filter-too-long', message: `a filter has ${filterLimits.characters} characters at most` };
  }
  const programs = new Map<string, RE2JS>();
  const fields = Object.fromEntries(
    [...columns].map(([name, { type, nullable }]) => [name, nullable ? 'dyn' : celTypeOf[type]]),
  );
  const environment = createEnvironment(fields, (text, pattern) => matchBounded(programs, text, pattern));
  let parsed: ParseResult;
  try {
    parsed = environment.parse(expression);
  } catch (error) {
    return { code: 'filter-syntax', message: `not an expression: ${summaryOf(error)}` };
  }
  const shape = inspectFilter(parsed.ast);
  if ('code' in shape) return shape;
  for (const [pattern, program] of shape.patterns) programs.set(pattern, program);
  const unknown = [...shape.columns].find((name) => !columns.has(name));
  if (unknown !== undefined) {
    return { code: 'filter-unknown-column', message: `there is no column ${JSON.stringify(unknown)} here` };
  }
  const checked = parsed.check();
  if (!checked.valid) return { code: 'filter-type', message: summaryOf(checked.error) };
  if (checked.type !== 'bool') return { code: 'filter-type', message: `gives ${checked.type}, not bool` };
  return createFilter(parsed, readersOf(shape.columns, columns), compileComparison(parsed.ast, columns));
}

interface Reader {
  readonly name: string;
  readonly slot: number;
  readonly read: (cell: Cell) => unknown;
}

function createFilter(
  evaluate: ParseResult,
  readers: readonly Reader[],
  comparison: Comparison | undefined,
): CompiledFilter {
  const row = new FilteredRow();
  const context = { row };
  return {
    columns: readers.map(({ name }) => name),
    decide(cells) {
      const compared = comparison?.(cells);
      if (compared !== undefined) return compared;
      try {
        for (const { name, slot, read } of readers) row[name] = read(cells[slot] ?? null);
        const kept: unknown = evaluate(context);
        return typeof kept === 'boolean' ? kept : notBool;
      } catch (error) {
        return reasonOf(error);
      }
    },
  };
}

const readersOf = (names: Iterable<string>, columns: ReadonlyMap<string, FilterColumn>): Reader[] =>
  [...names].flatMap((name) => {
    const column = columns.get(name);
    return column ? [{ name, slot: column.slot, read: readers[column.type] }] : [];
  });

/** Thrown inside one decision only, and turned into a reason there. */
class TooLarge extends Error {}

const boundText = (cell: Cell): Cell => {
  if (typeof cell === 'string' && cell.length > filterRowLimits.cellCharacters) throw new TooLarge();
  return cell;
};

const readers: Readonly<Record<ColumnType, (cell: Cell) => unknown>> = {
  string: boundText,
  date: boundText,
  decimal: boundText,
  boolean: (cell) => cell,
  number: (cell) => cell,
  integer: (cell) => (typeof cell === 'number' || typeof cell === 'string' ? BigInt(cell) : cell),
  timestamp: (cell) => (typeof cell === 'string' ? new Date(cell) : cell),
  json: (cell) => {
    measureCell(cell, { characters: 0, elements: 0 });
    return cell;
  },
};

function measureCell(cell: Cell, spent: { characters: number; elements: number }): void {
  if (typeof cell === 'string') spent.characters += cell.length;
  if (spent.characters > filterRowLimits.cellCharacters || ++spent.elements > filterRowLimits.cellElements) {
    throw new TooLarge();
  }
  if (typeof cell !== 'object' || cell === null) return;
  for (const [name, value] of Object.entries(cell)) {
    if (!Array.isArray(cell)) spent.characters += name.length;
    measureCell(value, spent);
  }
}

function matchBounded(programs: ReadonlyMap<string, RE2JS>, text: string, pattern: string): boolean {
  if (text.length > filterRowLimits.matchedCharacters) throw new TooLarge();
  return programs.get(pattern)?.test(text) ?? false;
}

const reason = (code: string, message: string): QuarantineReason => ({ code, stage: 'filter', message });
const notBool = reason('filter-not-bool', 'the filter gave something other than true or false');
const tooLarge = reason('filter-value-too-large', 'a cell is larger than a filter may look at');

/** The library's own messages quote values, so only its codes, which are words of its source, come through. */
function reasonOf(error: unknown): QuarantineReason {
  if (error instanceof TooLarge || (error instanceof Error && error.cause instanceof TooLarge))
    return tooLarge;
  const cause =
    error instanceof EvaluationError && /^[a-z_]{1,64}$/.test(error.code) ? error.code : 'unexpected';
  return reason('filter-error', `the filter erred: ${cause.replaceAll('_', ' ')}`);
}

const summaryOf = (error: unknown): string =>
  error instanceof Error && 'summary' in error ? String(error.summary) : 'it cannot be read';

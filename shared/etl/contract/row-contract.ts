import type { ErrorObject } from 'ajv/dist/2020.js';
import { Failure } from '../../runtime/errors.ts';
import type { ColumnContract, DataContract } from '../definition/column.ts';
import { pointerTo } from '../definition/json-pointer.ts';
import type { Cell, QuarantineReason, Row } from '../record.ts';
import { type Conversion, conversionTo } from './convert.ts';
import { compileRowSchema } from './row-schema.ts';

/** Reasons kept for one record; enough to mend it, not enough to fill a queue. */
export const mostReasons = 20;

/** A contract made ready to check rows. Reasons are words and column names; no cell comes into them. */
export interface RowContract {
  /** Columns in the order of a row's cells. */
  readonly names: readonly string[];
  /**
   * Reads the row's cells into `cells`, null for what is missing, and says what the contract holds against them;
   * undefined when nothing. Under `coerce` the cells are converted on the way.
   * @throws Failure `contract-type-frozen` when the contract freezes types and a cell is of another one
   */
  load(row: Row, cells: Cell[]): readonly QuarantineReason[] | undefined;
  /** The columns of a row the contract does not know; undefined when none. */
  findUnknown(row: Row): string[] | undefined;
}

/** The reasons a contract sets a row aside for, bounded; none for a good one. Meant for single rows and tests. */
export const validateRow = (row: Row, contract: RowContract): readonly QuarantineReason[] =>
  contract.load(row, []) ?? [];

/** Compiles a contract of a definition that has been checked. */
export function compileContract(contract: DataContract): RowContract {
  const names = Object.keys(contract.columns);
  const columns = Object.values(contract.columns);
  const validate = compileRowSchema(columns);
  const known = new Set(names);
  const coercions = contract.types === 'coerce' ? columns.map(coercionOf) : undefined;
  const freezes = contract.types === 'freeze';
  return {
    names,
    load(row, cells) {
      for (let index = 0; index < names.length; index++) cells[index] = row[names[index] as string] ?? null;
      if (coercions) coerce(cells, coercions);
      if (validate(cells)) return undefined;
      const errors = validate.errors ?? [];
      if (freezes) refuseOtherTypes(errors, names, cells);
      return describeErrors(errors, names, cells);
    },
    findUnknown(row) {
      let unknown: string[] | undefined;
      for (const name in row) {
        if (known.has(name)) continue;
        unknown ??= [];
        unknown.push(name);
      }
      return unknown;
    },
  };
}

/** A cell that cannot be converted is left for the check, which says so. */
function coerce(cells: Cell[], coercions: readonly Conversion[]): void {
  for (let index = 0; index < coercions.length; index++) {
    const converted = coercions[index]?.(cells[index] ?? null);
    if (converted !== undefined) cells[index] = converted;
  }
}

/** CSV has no null: an empty cell of anything but text is one, where the contract lets it be missing. */
function coercionOf({ type, nullable }: ColumnContract): Conversion {
  const convert = conversionTo(type);
  if (type === 'string' || type === 'json' || !nullable) return convert;
  return (cell) => (cell === '' ? null : convert(cell));
}

/** Words for what the check found, by its keyword; the check's own messages are not used. */
const meanings: Readonly<Record<string, readonly [code: string, message: string]>> = {
  type: ['wrong-type', 'is of another type than the contract says'],
  format: ['wrong-form', 'is not written in the form of its type'],
  not: ['missing-value', 'is null or missing'],
  pattern: ['pattern-mismatch', 'does not match the pattern'],
  enum: ['not-in-enum', 'is none of the permitted values'],
  minimum: ['below-minimum', 'is below the minimum'],
  maximum: ['above-maximum', 'is above the maximum'],
  minLength: ['too-short', 'is shorter than permitted'],
  maxLength: ['too-long', 'is longer than permitted'],
};

const indexOf = (error: ErrorObject): number => Number(error.instancePath.slice(1));

function describeErrors(
  errors: readonly ErrorObject[],
  names: readonly string[],
  cells: readonly Cell[],
): QuarantineReason[] {
  const reasons = new Map<string, QuarantineReason>();
  for (const error of errors) {
    const index = indexOf(error);
    const keyword = cells[index] === null ? 'not' : error.keyword;
    const [code, message] = meanings[keyword] ?? ['contract', 'breaks the contract'];
    const path = pointerTo(names[index] ?? '');
    reasons.set(`${path} ${code}`, { code, stage: 'contract', path, message: `the cell ${message}` });
    if (reasons.size === mostReasons) break;
  }
  return [...reasons.values()];
}

function refuseOtherTypes(
  errors: readonly ErrorObject[],
  names: readonly string[],
  cells: readonly Cell[],
): void {
  const other = errors.find(
    (error) => (error.keyword === 'type' || error.keyword === 'format') && cells[indexOf(error)] !== null,
  );
  if (!other) return;
  throw new Failure({
    code: 'contract-type-frozen',
    disposition: 'give-up',
    message:
      `the column ${JSON.stringify(names[indexOf(other)])} arrives with another type than the contract freezes ` +
      'it to; change the contract, or set types to coerce or quarantine',
  });
}

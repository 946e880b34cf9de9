import type { ColumnType } from '../definition/column.ts';
import type { Cell } from '../record.ts';
import { isDate, isDecimal, isInteger, isNumber, isTimestamp } from './text-forms.ts';

/** Turns a cell into a type without losing anything; undefined where that cannot be done. Null stays null. */
export type Conversion = (cell: Cell) => Cell | undefined;

const whenText =
  (holds: (text: string) => boolean): Conversion =>
  (cell) =>
    typeof cell === 'string' && holds(cell) ? cell : undefined;

const conversions: Readonly<Record<ColumnType, Conversion>> = {
  string: (cell) => (typeof cell === 'string' ? cell : (textOfNumber(cell) ?? textOfBoolean(cell))),
  integer: (cell) => {
    if (typeof cell === 'number') return Number.isSafeInteger(cell) ? cell : undefined;
    if (typeof cell !== 'string' || !isInteger(cell)) return undefined;
    const value = Number(cell);
    // A double would round the longer ones: they stay digits, as a record's large integers are.
    return Number.isSafeInteger(value) ? value : cell;
  },
  number: (cell) => {
    if (typeof cell === 'number') return cell;
    return typeof cell === 'string' && isNumber(cell) ? Number(cell) : undefined;
  },
  boolean: (cell) => {
    if (typeof cell === 'boolean') return cell;
    if (cell === 'true') return true;
    return cell === 'false' ? false : undefined;
  },
  timestamp: whenText(isTimestamp),
  date: whenText(isDate),
  decimal: (cell) => {
    const text = typeof cell === 'string' ? cell : textOfNumber(cell);
    return text !== undefined && isDecimal(text) ? text : undefined;
  },
  json: (cell) => cell,
};

const textOfNumber = (cell: Cell): string | undefined =>
  typeof cell === 'number' ? String(cell) : undefined;
const textOfBoolean = (cell: Cell): string | undefined =>
  typeof cell === 'boolean' ? String(cell) : undefined;

export const conversionTo =
  (type: ColumnType): Conversion =>
  (cell) =>
    cell === null ? null : conversions[type](cell);

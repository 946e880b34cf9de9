import { Failure } from '../../runtime/errors.ts';
import type { Cell, Row } from '../record.ts';
import type { RecordLimits } from './limits.ts';
import { isRefusedKey, RowFault } from './reading.ts';

export interface CsvColumns {
  readonly names: readonly string[];
  /** What stands for a field without characters. */
  readonly emptyCell: '' | null;
}

/**
 * The column names of a CSV file, as they stand: neither trimmed nor changed. Throws `csv-header-invalid` for
 * names given twice, names of the prototype chain, a second byte order mark, and more than `columns` of them.
 */
export function readHeader(names: readonly string[], { columns }: Pick<RecordLimits, 'columns'>): string[] {
  if (names.length > columns) throw headerInvalid(`has more than ${columns} columns`);
  if (new Set(names).size < names.length) throw headerInvalid('gives a name twice');
  if (names.some(isRefusedKey)) throw headerInvalid('names __proto__, constructor or prototype');
  if (names.some((name) => name.startsWith('\ufeff'))) throw headerInvalid('has a second byte order mark');
  return [...names];
}

/**
 * The row of one record's fields. Cells are strings exactly as written: one that begins with `=`, `+`, `-`, `@`,
 * TAB or CR is data here, and is neutralised only where CSV is written for a spreadsheet. Throws a RowFault for
 * too few or too many fields and for a field beyond `stringBytes`.
 */
export function rowOfFields(
  fields: readonly string[],
  { names, emptyCell }: CsvColumns,
  { stringBytes }: Pick<RecordLimits, 'stringBytes'>,
): Row {
  if (fields.length !== names.length) {
    const message = `${fields.length} fields under ${names.length} columns; quote fields that hold the delimiter`;
    throw new RowFault('csv-field-count', message);
  }
  const row: Record<string, Cell> = {};
  for (let index = 0; index < names.length; index += 1) {
    const field = fields[index] ?? '';
    if (field.length * 3 > stringBytes && Buffer.byteLength(field) > stringBytes) {
      throw new RowFault('string-bytes-exceeded', `field ${index + 1} has more than ${stringBytes} bytes`);
    }
    row[names[index] ?? ''] = field === '' ? emptyCell : field;
  }
  return Object.setPrototypeOf(row, null);
}

export function headerInvalid(what: string): Failure {
  return new Failure({
    code: 'csv-header-invalid',
    disposition: 'give-up',
    message: `the header of the CSV source ${what}; correct the header at the source`,
  });
}

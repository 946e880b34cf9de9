import { Failure } from '../../runtime/errors.ts';

/** NAMEDATALEN - 1: PostgreSQL cuts longer names off without a word, and two columns would become one. */
const longestNameBytes = 63;

/**
 * A name as SQL reads it, whatever it holds.
 * @throws Failure `name-too-long`
 */
export function quoteName(name: string): string {
  if (Buffer.byteLength(name) > longestNameBytes) {
    throw new Failure({
      code: 'name-too-long',
      disposition: 'give-up',
      message: `${JSON.stringify(name)} is longer than the ${longestNameBytes} bytes of a PostgreSQL name; rename it`,
    });
  }
  return `"${name.replaceAll('"', '""')}"`;
}

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

export const quoteTable = ({ schema, table }: TableName): string =>
  `${quoteName(schema)}.${quoteName(table)}`;

export const quoteNames = (names: readonly string[]): string => names.map(quoteName).join(', ');

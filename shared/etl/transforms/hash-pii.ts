import { z } from 'zod';
import type { ColumnType } from '../definition/column.ts';
import { columnName } from '../definition/names.ts';
import { createKeyedHash } from './keyed-hash.ts';
import { normalisePii, piiKinds } from './normalise-pii.ts';
import { findClearColumn, reasonFor, requireKey, slotOf, type TransformKind } from './transform.ts';

const schema = z
  .strictObject({
    type: z.literal('hash_pii'),
    column: columnName,
    kind: z.enum(piiKinds).describe('Decides which spellings are the same value'),
  })
  .describe('Replaces a value by a keyed pseudonym: joinable, and not to be guessed without the key');

/** Types with one written form; a number or a time could be written in two ways and so be two people. */
const hashable: ReadonlySet<ColumnType> = new Set(['string', 'integer', 'date', 'decimal']);

/**
 * HMAC-SHA-256 (RFC 2104) of the normalised value, as h<key version>:<base64url>. Null stays null; a value that is
 * empty once normalised is set aside, because all of them would become one person.
 */
export const hashPii: TransformKind<typeof schema> = {
  type: 'hash_pii',
  schema,
  follow({ column: name, kind }, flow, complain) {
    const column = findClearColumn(name, flow, complain);
    if (!column) return;
    if (!hashable.has(column.type) || (kind !== 'generic' && column.type !== 'string')) {
      complain({ code: 'column-type', message: `a ${column.type} is not hashed as ${kind}; cast it first` });
    }
    if (column.fewValues) {
      const message = 'few values are possible, so equal pseudonyms tell much; consider encrypt_column';
      complain({ code: 'low-entropy', message, severity: 'warning' });
    }
    flow.change(name, { type: 'string', protection: 'hashed' });
  },
  compile({ column, kind }, flow, { pseudonymKey }) {
    const { version, key } = requireKey(pseudonymKey, 'hashes personal values');
    const slot = slotOf(flow, column);
    const hash = createKeyedHash(key);
    const normalise = normalisePii[kind];
    const prefix = `h${version}:`;
    const empty = reasonFor(column, 'hash-of-nothing', 'the cell is empty once it is normalised');
    return (cells) => {
      const cell = cells[slot];
      if (cell === null) return undefined;
      const text = normalise(typeof cell === 'string' ? cell : String(cell));
      if (text === '') return empty;
      cells[slot] = prefix + hash(text, 'base64url');
      return undefined;
    };
  },
};

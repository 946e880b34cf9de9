import { z } from 'zod';
import { columnName } from '../definition/names.ts';
import { findColumn, type TransformKind } from './transform.ts';

const schema = z
  .strictObject({ type: z.literal('encrypt_column'), column: columnName })
  .describe('Seals a value with AES-256-GCM under a data key of the run, bound to its record and column');

/**
 * From here on a column is sealed: no later step reads it. The sealing itself is done when all steps are through
 * (seal-columns.ts), so that a cell is bound to the names and the key its destination knows. Null is sealed too:
 * whether there is a value is part of what is kept from readers.
 */
export const encryptColumn: TransformKind<typeof schema> = {
  type: 'encrypt_column',
  schema,
  follow({ column: name }, flow, complain) {
    const column = findColumn(name, flow, complain);
    if (!column) return;
    if (column.protection === 'encrypted') {
      complain({ code: 'column-not-clear', message: 'the column is encrypted already', path: ['column'] });
    }
    if (flow.key.includes(name)) {
      const message = 'a key column cannot be encrypted: no two cells would be equal; hash it';
      complain({ code: 'key-encrypted', message, path: ['column'] });
    }
    flow.change(name, { protection: 'encrypted' });
  },
  compile: () => undefined,
};

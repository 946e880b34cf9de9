import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { Failure } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import type { Cell } from '../record.ts';
import type { DataKey } from './data-keys.ts';

/** Where a cell belongs. A sealed cell opens nowhere else. */
export interface CellAddress {
  readonly pipeline: string;
  readonly table: string;
  readonly column: string;
  /** The record's key as the destination holds it, from `rowKeyOf`. */
  readonly rowKey: string;
}

export type ColumnAddress = Omit<CellAddress, 'rowKey'>;

const ivBytes = 12;
const tagBytes = 16;
/** NIST SP 800-38D section 8.3 bounds the uses of one key; the counter is the invocation field. */
const mostCells = 2 ** 32;

/** Text of a sealed cell: v1|key|iv|ciphertext|tag, base64url without padding. docs/etl/cell-format.md */
const form = /^v1\|([A-Za-z0-9_-]{1,64})\|([A-Za-z0-9_-]{16})\|([A-Za-z0-9_-]*)\|([A-Za-z0-9_-]{22})$/;

/** The key of one column: whoever is given it opens no other column. */
export function deriveColumnKey(dataKey: Uint8Array, { pipeline, table, column }: ColumnAddress): Buffer {
  const info = JSON.stringify(['certfleet-cell-v1', pipeline, table, column]);
  return Buffer.from(hkdfSync('sha256', dataKey, new Uint8Array(0), info, 32));
}

/** Additional data: an array in JSON, since plain joining would let two addresses look alike. */
const bindTo = ({ pipeline, table, column, rowKey }: CellAddress): string =>
  JSON.stringify([pipeline, table, column, rowKey]);

/** A record's key for binding: its key cells as text, whole numbers in digits. */
export function rowKeyOf(cells: readonly Cell[]): string {
  return JSON.stringify(
    cells.map((cell) => (typeof cell === 'object' ? JSON.stringify(cell) : String(cell))),
  );
}

export type CellSealer = (cell: Cell, rowKey: string) => string;

/**
 * Seals the cells of one column. IVs are 64 random bits of this sealer and a 32-bit counter, so none repeats within
 * it, and two sealers of one key meet with 2^-64 each; `random` must be the system's.
 * @throws Failure `cell-key-exhausted` after 2^32 cells
 */
export function createCellSealer(key: DataKey, address: ColumnAddress, random: Random): CellSealer {
  const columnKey = deriveColumnKey(key.plaintext, address);
  const iv = Buffer.alloc(ivBytes);
  iv.writeUInt32BE(Math.floor(random() * 2 ** 32), 0);
  iv.writeUInt32BE(Math.floor(random() * 2 ** 32), 4);
  const prefix = `v1|${key.keyId}|`;
  let count = 0;
  return (cell, rowKey) => {
    if (count >= mostCells) throw exhausted(address);
    iv.writeUInt32BE(count++, 8);
    const cipher = createCipheriv('aes-256-gcm', columnKey, iv, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(bindTo({ ...address, rowKey })));
    const ciphertext = Buffer.concat([cipher.update(JSON.stringify(cell), 'utf8'), cipher.final()]);
    const tag = cipher.getAuthTag().toString('base64url');
    return `${prefix}${iv.toString('base64url')}|${ciphertext.toString('base64url')}|${tag}`;
  };
}

const exhausted = ({ column }: ColumnAddress) =>
  new Failure({
    code: 'cell-key-exhausted',
    disposition: 'give-up',
    message: `the column ${JSON.stringify(column)} has sealed as many cells as one key may; read in smaller chunks`,
  });

/**
 * The data key a sealed cell asks for.
 * @throws Failure `cell-malformed`
 */
export function keyIdOf(sealed: string): string {
  return takeApart(sealed).keyId;
}

/**
 * Opens a sealed cell where it belongs.
 * @throws Failure `cell-malformed`; `cell-key-mismatch` when another key sealed it; `cell-refused` when it was
 * altered or belongs to another pipeline, table, column or record. None of them says what the cell holds.
 */
export function decryptCell(sealed: string, address: CellAddress, key: DataKey): Cell {
  const { keyId, iv, ciphertext, tag } = takeApart(sealed);
  if (keyId !== key.keyId) {
    throw refuse('cell-key-mismatch', `the cell was sealed under the data key ${keyId}, not ${key.keyId}`);
  }
  const cipher = createDecipheriv('aes-256-gcm', deriveColumnKey(key.plaintext, address), iv, {
    authTagLength: tagBytes,
  });
  cipher.setAAD(Buffer.from(bindTo(address)));
  cipher.setAuthTag(tag);
  try {
    const plaintext = Buffer.concat([cipher.update(ciphertext), cipher.final()]);
    return JSON.parse(plaintext.toString('utf8'));
  } catch {
    // The cause would carry the plaintext when it is no JSON.
    throw refuse(
      'cell-refused',
      'the cell was altered, or belongs to another pipeline, table, column or record than named',
    );
  }
}

function takeApart(sealed: string): { keyId: string; iv: Buffer; ciphertext: Buffer; tag: Buffer } {
  const [, keyId = '', iv = '', ciphertext = '', tag = ''] = form.exec(sealed) ?? [];
  const parts = [iv, ciphertext, tag].map((part) => Buffer.from(part, 'base64url'));
  const [ivRead, ciphertextRead, tagRead] = parts;
  // Base64url has several spellings of the same bytes; one of them is the format's.
  const isExact = parts.every((part, index) => part.toString('base64url') === [iv, ciphertext, tag][index]);
  if (keyId === '' || !isExact || !ivRead || !ciphertextRead || !tagRead) {
    throw refuse('cell-malformed', 'this is no cell of format v1: v1|key|iv|ciphertext|tag');
  }
  return { keyId, iv: ivRead, ciphertext: ciphertextRead, tag: tagRead };
}

const refuse = (code: string, message: string) => new Failure({ code, disposition: 'give-up', message });

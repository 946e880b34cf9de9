import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createCellSealer,
  decryptCell,
  deriveColumnKey,
  keyIdOf,
  rowKeyOf,
} from '../../../../shared/etl/cells/cell-format.ts';
import type { DataKey } from '../../../../shared/etl/cells/data-keys.ts';
import type { Cell } from '../../../../shared/etl/record.ts';

interface Vectors {
  readonly dataKeyHex: string;
  readonly keyId: string;
  readonly pipeline: string;
  readonly table: string;
  readonly cells: readonly {
    readonly name: string;
    readonly column: string;
    readonly columnKeyHex: string;
    readonly keyCells: readonly Cell[];
    readonly rowKey: string;
    readonly ivPrefixHex: string;
    readonly cell: Cell;
    readonly sealed: string;
  }[];
}

const vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')) as Vectors;
const { pipeline, table } = vectors;

const aKey = (
  plaintext: Uint8Array = Buffer.from(vectors.dataKeyHex, 'hex'),
  keyId = vectors.keyId,
): DataKey => ({
  keyId,
  wrapped: '',
  purpose: { pipeline, table, runId: 'run-1' },
  plaintext,
});

const address = { pipeline, table, column: 'email', rowKey: rowKeyOf(['p1']) };
const seal = (cell: Cell, key = aKey()) => createCellSealer(key, address, Math.random)(cell, address.rowKey);

describe('cell format v1', () => {
  it.each(vectors.cells.map((vector) => [vector.name, vector] as const))(
    'meets its vector: %s',
    (_, vector) => {
      const { column, rowKey } = vector;
      const prefix = Buffer.from(vector.ivPrefixHex, 'hex');
      const words = [prefix.readUInt32BE(0), prefix.readUInt32BE(4)];
      const random = () => (words.shift() ?? 0) / 2 ** 32;
      expect(rowKeyOf(vector.keyCells)).toBe(rowKey);
      expect(deriveColumnKey(aKey().plaintext, { pipeline, table, column }).toString('hex')).toBe(
        vector.columnKeyHex,
      );
      expect(createCellSealer(aKey(), { pipeline, table, column }, random)(vector.cell, rowKey)).toBe(
        vector.sealed,
      );
      expect(decryptCell(vector.sealed, { pipeline, table, column, rowKey }, aKey())).toEqual(vector.cell);
      expect(keyIdOf(vector.sealed)).toBe(vectors.keyId);
    },
  );

  it('gives back any cell it sealed', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const cell = value as Cell;
        expect(JSON.stringify(decryptCell(seal(cell), address, aKey()))).toBe(JSON.stringify(cell));
      }),
      { numRuns: 500 },
    );
  });

  it.each(['pipeline', 'table', 'column', 'rowKey'] as const)('opens under no other %s', (part) => {
    const sealed = seal('ada@example.com');
    expect(() => decryptCell(sealed, { ...address, [part]: 'other' }, aKey())).toThrow(
      expect.objectContaining({ code: 'cell-refused' }),
    );
  });

  it('opens for no address that only looks like its own when joined', () => {
    const sealed = createCellSealer(aKey(), { ...address, table: 'a', column: 'b|c' }, Math.random)('x', 'k');
    expect(() => decryptCell(sealed, { pipeline, table: 'a|b', column: 'c', rowKey: 'k' }, aKey())).toThrow();
  });

  it('refuses a cell in which any character was changed', () => {
    const sealed = seal('ada@example.com');
    const codes = new Set<string>();
    for (let at = 0; at < sealed.length; at++) {
      const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`;
      try {
        decryptCell(changed, address, aKey());
        codes.add('opened');
      } catch (error) {
        codes.add(String((error as { code?: string }).code));
      }
    }
    expect([...codes].sort()).toEqual(['cell-key-mismatch', 'cell-malformed', 'cell-refused']);
  });

  it.each([
    '',
    'v1',
    'v2|k|AAAAAAAAAAAAAAAA||AAAAAAAAAAAAAAAAAAAAAA',
    'v1||x|y|z',
    'plain text',
    'v1|k|AAAAAAAAAAAAAAAA||AAAAAAAAAAAAAAAAAAAAAB',
    `v1|k|AAAAAAAAAAAAAAAA|A|AAAAAAAAAAAAAAAAAAAAAA`,
  ])('does not take %j for one of its cells', (text) => {
    expect(() => decryptCell(text, address, aKey())).toThrow(
      expect.objectContaining({ code: 'cell-malformed' }),
    );
  });

  it('never uses an IV twice within a sealer, and seals equal cells unequally', () => {
    const sealer = createCellSealer(aKey(), address, Math.random);
    const sealed = Array.from({ length: 5_000 }, () => sealer('same', 'k'));
    expect(new Set(sealed.map((text) => text.split('|')[2])).size).toBe(5_000);
    expect(new Set(sealed.map((text) => text.split('|')[3])).size).toBe(5_000);
  });

  it('says nothing of the cell, the key or the record in what it throws', () => {
    const sealed = seal('canary');
    for (const key of [aKey(new Uint8Array(32).fill(9)), aKey(undefined, 'other')]) {
      const thrown = (() => {
        try {
          return decryptCell(sealed, { ...address, rowKey: 'record-4711' }, key);
        } catch (error) {
          return error;
        }
      })() as Error;
      expect(`${thrown.message} ${thrown.cause}`).not.toMatch(/canary|4711/);
    }
  });
});

import type { ColumnType } from '../definition/column.ts';
import type { Cell } from '../record.ts';
import { filterRowLimits, isNode, type Node, readColumn } from './syntax.ts';

/** Decides a row; undefined where only the whole language can. */
export type Comparison = (cells: readonly Cell[]) => boolean | undefined;

/** A column by what decides how it may be compared. */
interface ComparedColumn {
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly slot: number;
}

type Test = (cells: readonly Cell[]) => boolean;

/** The cells a comparison is made for; any other one is left to the whole language, with its conversions and errors. */
const expected = {
  string: (cell: unknown) => typeof cell === 'string' && cell.length <= filterRowLimits.cellCharacters,
  integer: (cell: unknown) => Number.isSafeInteger(cell),
  number: (cell: unknown) => typeof cell === 'number',
} as const;

type Comparable = keyof typeof expected;

const isComparable = (type: string): type is Comparable => type in expected;

/**
 * Most filters only compare columns with literals: texts for equality, numbers for order as well, joined by && || !.
 * Nothing in them can err, so they are decided by closures, in a fraction of the time that walking the expression
 * takes. `root` has been checked already. Undefined for every other filter.
 */
export function compileComparison(
  root: Node,
  columns: ReadonlyMap<string, ComparedColumn>,
): Comparison | undefined {
  const guards = new Map<number, (cell: unknown) => boolean>();
  const test = compileTest(root, (name) => {
    const column = columns.get(name);
    if (!column || column.nullable || !isComparable(column.type)) return undefined;
    guards.set(column.slot, expected[column.type]);
    return { slot: column.slot, type: column.type };
  });
  if (!test) return undefined;
  const guarded = [...guards].map(([slot, isExpected]) => ({ slot, isExpected }));
  return (cells) => {
    for (const { slot, isExpected } of guarded) if (!isExpected(cells[slot])) return undefined;
    return test(cells);
  };
}

type FindColumn = (name: string) => { readonly slot: number; readonly type: Comparable } | undefined;

function compileTest(node: Node, find: FindColumn): Test | undefined {
  if (node.op === '!_' && isNode(node.args)) {
    const inner = compileTest(node.args, find);
    return inner && ((cells) => !inner(cells));
  }
  const [left, right] = Array.isArray(node.args) ? node.args : [];
  if (!isNode(left) || !isNode(right)) return undefined;
  if (node.op !== '&&' && node.op !== '||') return compileLeaf(node.op, { left, right }, find);
  const one = compileTest(left, find);
  const other = compileTest(right, find);
  if (!one || !other) return undefined;
  return node.op === '&&' ? (cells) => one(cells) && other(cells) : (cells) => one(cells) || other(cells);
}

function compileLeaf(
  op: string,
  { left, right }: { left: Node; right: Node },
  find: FindColumn,
): Test | undefined {
  const name = readColumn(left);
  const column = typeof name === 'string' ? find(name) : undefined;
  const literal = column && literalFor(column.type, right);
  return column && literal !== undefined ? compare(op, column.slot, literal) : undefined;
}

/** Of the very type of the column: what CEL makes of two types is left to it. */
function literalFor(type: Comparable, node: Node): string | number | undefined {
  if (node.op === '-_' && isNode(node.args)) {
    const positive = literalFor(type, node.args);
    return typeof positive === 'number' ? -positive : undefined;
  }
  if (node.op !== 'value') return undefined;
  const value = node.args;
  if (type === 'string') return typeof value === 'string' ? value : undefined;
  if (type === 'number') return typeof value === 'number' ? value : undefined;
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
}

function compare(op: string, slot: number, literal: string | number): Test | undefined {
  if (op === '==') return (cells) => cells[slot] === literal;
  if (op === '!=') return (cells) => cells[slot] !== literal;
  // CEL orders text by code point, the host language by code unit.
  if (typeof literal === 'string') return undefined;
  const numberAt = (cells: readonly Cell[]) => cells[slot] as number;
  switch (op) {
    case '<':
      return (cells) => numberAt(cells) < literal;
    case '<=':
      return (cells) => numberAt(cells) <= literal;
    case '>':
      return (cells) => numberAt(cells) > literal;
    case '>=':
      return (cells) => numberAt(cells) >= literal;
    default:
      return undefined;
  }
}

import { Environment } from '@marcbachmann/cel-js';
import type { ColumnType } from '../definition/column.ts';

/** What a filter may look like; beyond it a definition is refused, so that no row pays for it. */
export const filterLimits = {
  characters: 2_000,
  nodes: 300,
  depth: 32,
  listElements: 200,
  patternCharacters: 200,
  /** Instructions of a compiled RE2 program; counted repetitions multiply them. */
  patternProgram: 500,
  /** Tenths of a microsecond for the worst row, by the estimate of cost.ts. */
  cost: 500_000,
} as const;

/** What a row may ask of a filter; beyond it the row is set aside. */
export const filterRowLimits = {
  /** UTF-16 units of all text in one cell. */
  cellCharacters: 16_384,
  /** Elements and members of one JSON cell, nested ones counted. */
  cellElements: 1_000,
  /** UTF-16 units of a text matched by a pattern. */
  matchedCharacters: 4_096,
} as const;

/** A node of a parsed expression, as the walkers here see it. */
export interface Node {
  readonly op: string;
  readonly args: unknown;
}

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value;

/** The nodes right below, whatever shape the operator keeps them in. */
export function childrenOf(node: Node): readonly Node[] {
  const found: Node[] = [];
  const collect = (value: unknown) => {
    if (isNode(value)) found.push(value);
    else if (Array.isArray(value)) value.forEach(collect);
  };
  collect(node.args);
  return found;
}

/** A function or method call taken apart; undefined for any other node. */
export function readCall(
  node: Node,
): { name: string; receiver: Node | undefined; args: readonly Node[] } | undefined {
  if (!Array.isArray(node.args)) return undefined;
  const [name, second, third] = node.args;
  if (node.op === 'call') return { name: String(name), receiver: undefined, args: nodesOf(second) };
  if (node.op === 'rcall' && isNode(second)) {
    return { name: String(name), receiver: second, args: nodesOf(third) };
  }
  return undefined;
}

/** The column of `row.x` or `row["x"]`; the index itself where it is not a literal; undefined off the row. */
export function readColumn(node: Node): string | Node | undefined {
  if (!Array.isArray(node.args)) return undefined;
  const [subject, index] = node.args;
  if (!isNode(subject) || subject.op !== 'id' || subject.args !== 'row') return undefined;
  if (typeof index === 'string') return index;
  if (!isNode(index)) return undefined;
  return index.op === 'value' && typeof index.args === 'string' ? index.args : index;
}

const nodesOf = (value: unknown): readonly Node[] => (Array.isArray(value) ? value.filter(isNode) : []);

export const comprehensions: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

/** Everything else CEL or the library offers is refused: new functions of a new version come in by review only. */
export const allowedFunctions: ReadonlySet<string> = new Set([
  'bool',
  'double',
  'duration',
  'has',
  'int',
  're2',
  'size',
  'string',
  'timestamp',
]);

/** As the parser names them; literals and names among them. */
export const allowedOperators: ReadonlySet<string> = new Set(
  'value id list map call rcall . [] ?: || && == != < <= > >= in + - * / % !_ -_'.split(' '),
);

/** Time accessors without a zone: with one the library asks Intl about a name the row may choose. */
export const zonedMethods: ReadonlySet<string> = new Set([
  'getDate',
  'getDayOfMonth',
  'getDayOfWeek',
  'getDayOfYear',
  'getFullYear',
  'getHours',
  'getMilliseconds',
  'getMinutes',
  'getMonth',
  'getSeconds',
]);

export const allowedMethods: ReadonlySet<string> = new Set([
  ...comprehensions,
  ...zonedMethods,
  'contains',
  'endsWith',
  'indexOf',
  'lastIndexOf',
  'lowerAscii',
  'size',
  'startsWith',
  'substring',
  'trim',
  'upperAscii',
]);

/** How CEL sees a column; a nullable one is dynamic, because a typed one could not be compared with null. */
export const celTypeOf: Readonly<Record<ColumnType, string>> = {
  string: 'string',
  integer: 'int',
  number: 'double',
  boolean: 'bool',
  timestamp: 'google.protobuf.Timestamp',
  date: 'string',
  decimal: 'string',
  json: 'dyn',
};

/** Holds the columns a filter reads; made once, filled anew for every row. */
export class FilteredRow {
  [column: string]: unknown;
}

/** An environment in which `row` has exactly these columns and `re2` is answered by `match`. */
export function createEnvironment(
  fields: Readonly<Record<string, string>>,
  match: (text: string, pattern: string) => boolean,
): Environment {
  return new Environment({
    unlistedVariablesAreDyn: false,
    enableOptionalTypes: false,
    limits: {
      maxAstNodes: filterLimits.nodes,
      maxDepth: filterLimits.depth,
      maxListElements: filterLimits.listElements,
      maxMapEntries: filterLimits.listElements,
      maxCallArguments: 4,
    },
  })
    .registerType('Row', { ctor: FilteredRow, fields: { ...fields } })
    .registerVariable('row', 'Row')
    .registerFunction('re2(string, string): bool', match);
}

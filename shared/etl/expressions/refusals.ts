import { RE2JS } from 're2js';
import { estimateCost } from './cost.ts';
import {
  allowedFunctions,
  allowedMethods,
  allowedOperators,
  childrenOf,
  comprehensions,
  filterLimits,
  isNode,
  type Node,
  readCall,
  readColumn,
  zonedMethods,
} from './syntax.ts';

/** Why a filter may not be deployed: a stable kebab-case code and a sentence with the remedy. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** What a walk over a permitted expression found. */
export interface FilterShape {
  /** Columns the expression reads. */
  readonly columns: ReadonlySet<string>;
  /** RE2 programs by their source. */
  readonly patterns: ReadonlyMap<string, RE2JS>;
}

const refuse = (code: string, message: string): Refusal => ({ code, message });

/**
 * Walks a parsed filter and says the first thing that is not permitted, or what it reads. Permitted is what is named:
 * operators, literals, `row.column`, the functions of syntax.ts, comprehensions that do not nest.
 */
export function inspectFilter(root: Node): Refusal | FilterShape {
  const columns = new Set<string>();
  const patterns = new Map<string, RE2JS>();
  const visit = (node: Node, scope: readonly string[]): Refusal | undefined => {
    if (node.op === 'id') return checkName(String(node.args), scope);
    if (node.op === '.' || node.op === '[]') {
      const column = readColumn(node);
      if (column !== undefined) {
        if (isNode(column)) {
          return refuse('filter-dynamic-column', 'a column is named by a literal: row.name or row["name"]');
        }
        columns.add(column);
        return undefined;
      }
    }
    if (!allowedOperators.has(node.op)) return refuse('filter-operator', 'an operator that is not offered');
    const call = readCall(node);
    if (!call) return visitAll(childrenOf(node), scope);
    const refusal =
      checkCall(call) ?? (call.name === 're2' ? keepPattern(call.args[1], patterns) : undefined);
    if (refusal) return refusal;
    if (!call.receiver || !comprehensions.has(call.name)) return visitAll(childrenOf(node), scope);
    if (scope.length > 0) {
      return refuse(
        'filter-nested-comprehension',
        `${call.name} stands inside another comprehension; flatten it`,
      );
    }
    const [variable, ...bodies] = call.args;
    if (variable?.op !== 'id' || variable.args === 'row') {
      return refuse(
        'filter-iteration-variable',
        `${call.name} needs a plain name other than row to iterate with`,
      );
    }
    return visit(call.receiver, scope) ?? visitAll(bodies, [...scope, String(variable.args)]);
  };
  const visitAll = (nodes: readonly Node[], scope: readonly string[]): Refusal | undefined => {
    for (const node of nodes) {
      const refusal = visit(node, scope);
      if (refusal) return refusal;
    }
    return undefined;
  };
  return visit(root, []) ?? checkCost(root) ?? { columns, patterns };
}

function checkName(name: string, scope: readonly string[]): Refusal | undefined {
  if (scope.includes(name)) return undefined;
  return name === 'row'
    ? refuse('filter-whole-row', 'row stands for the record and is read by column only: row.name')
    : refuse('filter-unknown-name', 'only row and the names of comprehensions are known; write row.column');
}

function checkCall(call: {
  name: string;
  receiver: Node | undefined;
  args: readonly Node[];
}): Refusal | undefined {
  if (call.name === 'matches') {
    return refuse('filter-matches', 'matches() backtracks without a bound; use re2(text, "pattern")');
  }
  const allowed = call.receiver ? allowedMethods : allowedFunctions;
  if (!allowed.has(call.name)) return refuse('filter-function', `the function ${call.name} is not offered`);
  if (zonedMethods.has(call.name) && call.args.length > 0) {
    return refuse('filter-time-zone', `${call.name} is offered in UTC only, without a zone`);
  }
  return undefined;
}

function keepPattern(node: Node | undefined, patterns: Map<string, RE2JS>): Refusal | undefined {
  if (node?.op !== 'value' || typeof node.args !== 'string') {
    return refuse(
      'filter-dynamic-pattern',
      're2 takes its pattern as a literal, compiled before any row is read',
    );
  }
  const pattern = node.args;
  if (pattern.length > filterLimits.patternCharacters) {
    return refuse(
      'filter-pattern-too-large',
      `a pattern has ${filterLimits.patternCharacters} characters at most`,
    );
  }
  try {
    const program = RE2JS.compile(pattern);
    if (program.programSize() > filterLimits.patternProgram) {
      return refuse('filter-pattern-too-large', 'the pattern compiles to too large a program; repeat less');
    }
    patterns.set(pattern, program);
    return undefined;
  } catch {
    return refuse('filter-pattern', 'the pattern is no RE2: no look-around, no back-references');
  }
}

function checkCost(root: Node): Refusal | undefined {
  const cost = estimateCost(root);
  if (cost <= filterLimits.cost) return undefined;
  return refuse(
    'filter-too-costly',
    `the worst row could take ${Math.ceil(cost / 10_000)} ms, ${filterLimits.cost / 10_000} are allowed`,
  );
}

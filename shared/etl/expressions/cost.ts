import { RE2JS } from 're2js';
import { childrenOf, comprehensions, filterRowLimits, type Node, readCall } from './syntax.ts';

/** What a node may cost and give, for the worst row that is let in. */
interface Estimate {
  /** Tenths of a microsecond. */
  readonly cost: number;
  /** Text in the result, in multiples of the most a cell may hold. */
  readonly text: number;
  /** Elements, where the result is a list. */
  readonly elements: number;
}

type Scope = ReadonlyMap<string, Estimate>;

/** Tenths of a microsecond for one cell's worth of text; measured, rounded up. */
const perCell = { scan: 200, count: 2_000, match: 160_000 } as const;
const perCall = 5;
/** To copy or compare one element of a list. */
const perElement = 0.2;
/** A dynamic value may be a list as long as a cell may be. */
const anyCell: Estimate = { cost: 1, text: 1, elements: filterRowLimits.cellElements };
const most = Number.MAX_SAFE_INTEGER;

/**
 * The most an expression can cost on one row, in tenths of a microsecond. An upper bound by the limits of a cell, not
 * a forecast: a comprehension pays its body for every element a cell may have.
 */
export const estimateCost = (node: Node): number => Math.min(most, estimate(node, new Map()).cost);

function estimate(node: Node, scope: Scope): Estimate {
  if (node.op === 'value') {
    const text = typeof node.args === 'string' ? node.args.length / filterRowLimits.cellCharacters : 0;
    return { cost: 1, text, elements: 0 };
  }
  if (node.op === 'id') return scope.get(String(node.args)) ?? { cost: 1, text: 0, elements: 0 };
  if (node.op === '.' && isColumn(node)) return anyCell;
  const call = readCall(node);
  if (call?.receiver && comprehensions.has(call.name)) {
    return estimateComprehension(call.name, call.receiver, call.args, scope);
  }
  const parts = childrenOf(node).map((child) => estimate(child, scope));
  const cost = parts.reduce((sum, part) => sum + part.cost, perCall) + priceOf(node, parts);
  return { cost, ...shapeOf(node, parts) };
}

const isColumn = (node: Node): boolean =>
  childrenOf(node).length === 1 && childrenOf(node)[0]?.op === 'id' && childrenOf(node)[0]?.args === 'row';

function estimateComprehension(name: string, range: Node, args: readonly Node[], scope: Scope): Estimate {
  const over = estimate(range, scope);
  const count = Math.max(1, over.elements);
  const variable = args[0];
  // The text of a list is shared among its elements, so each carries its part.
  const element: Estimate = { cost: 1, text: over.text / count, elements: 0 };
  const inner = new Map(scope).set(variable ? String(variable.args) : '', element);
  const bodies = args.slice(1).map((body) => estimate(body, inner));
  const each = bodies.reduce((sum, body) => sum + body.cost, perCall);
  const given = name === 'map' ? (bodies.at(-1)?.text ?? 0) * count : over.text;
  return { cost: over.cost + count * each, text: given, elements: over.elements };
}

/** Operators and functions whose result may be text or a list; the others give a number, a time or a bool. */
const passingOn: ReadonlySet<string> = new Set(['.', '[]', '?:', 'map']);
const givingText: ReadonlySet<string> = new Set(['lowerAscii', 'string', 'substring', 'trim', 'upperAscii']);

function shapeOf(node: Node, parts: readonly Estimate[]): { text: number; elements: number } {
  const sum = (read: (part: Estimate) => number) => parts.reduce((total, part) => total + read(part), 0);
  if (node.op === 'list') return { text: sum((part) => part.text), elements: parts.length };
  const call = readCall(node);
  const givesCell = call ? givingText.has(call.name) : passingOn.has(node.op);
  if (node.op !== '+' && !givesCell) return { text: 0, elements: 0 };
  if (node.op === '+') return { text: sum((part) => part.text), elements: sum((part) => part.elements) };
  return {
    text: Math.max(0, ...parts.map((part) => part.text)),
    elements: Math.max(0, ...parts.map((part) => part.elements)),
  };
}

const comparing: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', '+']);

function priceOf(node: Node, parts: readonly Estimate[]): number {
  const text = parts.reduce((sum, part) => sum + part.text, 0);
  const elements = Math.max(0, ...parts.map((part) => part.elements));
  if (comparing.has(node.op)) return text * perCell.scan + elements * perElement;
  const call = readCall(node);
  if (!call) return 0;
  if (call.name === 'size') return text * perCell.count;
  if (call.name !== 're2') return text * perCell.scan;
  const matched = Math.min(
    parts[0]?.text ?? 0,
    filterRowLimits.matchedCharacters / filterRowLimits.cellCharacters,
  );
  const pattern = call.args[1];
  const program = pattern?.op === 'value' ? measurePattern(String(pattern.args)) : 0;
  return matched * perCell.match * (1 + program / 100);
}

const measurePattern = (pattern: string): number => {
  try {
    return RE2JS.compile(pattern).programSize();
  } catch {
    return 0;
  }
};

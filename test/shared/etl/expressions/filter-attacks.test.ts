import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compileFilter, type FilterColumn } from '../../../../shared/etl/expressions/filter.ts';
import type { Cell } from '../../../../shared/etl/record.ts';

/** What the row of a case holds besides the ordinary: given JSON, a text, or something large by its measure. */
interface RowOfCase {
  readonly json?: Cell;
  readonly text?: string;
  readonly length?: number;
  readonly elements?: number;
  readonly nested?: number;
}

interface AttackCase {
  readonly group: string;
  readonly expression: string;
  /** `refused: <code>`, `quarantined`, or `decided: true|false`. */
  readonly verdict: string;
  readonly row?: RowOfCase;
}

const cases = JSON.parse(readFileSync(new URL('attacks.json', import.meta.url), 'utf8')) as AttackCase[];

const ordinary: Readonly<Record<string, readonly [Omit<FilterColumn, 'slot'>, Cell]>> = {
  status: [{ type: 'string', nullable: false }, 'paid'],
  items: [{ type: 'integer', nullable: false }, 3],
  amount: [{ type: 'number', nullable: false }, 12.5],
  paid: [{ type: 'boolean', nullable: false }, true],
  at: [{ type: 'timestamp', nullable: false }, '2026-01-02T03:04:05Z'],
  day: [{ type: 'date', nullable: false }, '2026-01-02'],
  price: [{ type: 'decimal', nullable: false }, '19.90'],
  note: [{ type: 'string', nullable: true }, null],
  tags: [{ type: 'json', nullable: true }, null],
  'Order ID': [{ type: 'string', nullable: false }, 'ORD-1'],
};

const columns = new Map(
  Object.entries(ordinary).map(([name, [column]], slot): [string, FilterColumn] => [
    name,
    { ...column, slot },
  ]),
);

function cellsOf({ json, text, length, elements, nested }: RowOfCase = {}): Cell[] {
  const overrides: Record<string, Cell> = {};
  if (json !== undefined) overrides.tags = json;
  if (text !== undefined) overrides.status = text;
  if (length !== undefined) overrides.status = 'a'.repeat(length);
  if (elements !== undefined) overrides.tags = Array.from({ length: elements }, () => 'a');
  if (nested !== undefined) overrides.tags = nest(nested);
  return Object.entries(ordinary).map(([name, [, cell]]) => overrides[name] ?? cell);
}

function nest(depth: number): Cell {
  let cell: Cell = 1;
  for (let level = 0; level < depth; level++) cell = [cell];
  return cell;
}

function judge({ expression, row }: AttackCase): string {
  const filter = compileFilter(expression, columns);
  if ('code' in filter) return `refused: ${filter.code}`;
  const decision = filter.decide(cellsOf(row));
  return typeof decision === 'boolean' ? `decided: ${decision}` : 'quarantined';
}

const byGroup = Map.groupBy(cases, ({ group }) => group);

describe('filters against attack', () => {
  it('has two hundred cases and more', () => {
    expect(new Set(cases.map(({ expression, row }) => JSON.stringify([expression, row]))).size).toBe(
      cases.length,
    );
    expect(cases.length).toBeGreaterThanOrEqual(200);
  });

  it.each([...byGroup])('%s: each case ends as its verdict says', (_, members) => {
    const wrong = members
      .map((member) => ({ ...member, found: judge(member) }))
      .filter(({ verdict, found }) => verdict !== found)
      .map(({ expression, verdict, found }) => ({ expression: expression.slice(0, 120), verdict, found }));
    expect(wrong).toEqual([]);
  });

  it('takes no longer than 100 ms for any of them, compiled and asked', () => {
    const slow = cases.flatMap((member) => {
      // The best of three: the machine may be busy, the bound is the filter's.
      const millis = Math.min(...[1, 2, 3].map(() => timed(() => judge(member))));
      return millis > 100 ? [{ expression: member.expression.slice(0, 120), millis }] : [];
    });
    expect(slow).toEqual([]);
  });

  it('leaves the language as it was', () => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    for (const member of cases) judge(member);
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('never tells a cell in a reason', () => {
    const canary = 'canary-4711';
    for (const { expression } of cases) {
      const filter = compileFilter(expression, columns);
      if ('code' in filter) continue;
      const decision = filter.decide(cellsOf({ text: canary, json: { [canary]: canary } }));
      expect(JSON.stringify(decision)).not.toContain('canary');
    }
  });
});

function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

import type { Row } from '../record.ts';
import { parseStrictly } from './json-strict.ts';
import type { RecordLimits } from './limits.ts';
import { isRefusedKey, RowFault } from './reading.ts';

/**
 * Reads one row of JSON text: an object whose every object has no prototype, with the strictness of
 * `parseStrictly` at nearly the speed of `JSON.parse`. Throws a RowFault for a row to be quarantined.
 */
export type JsonRowParser = (text: string) => Row;

/** A parser with its own counters: not to be called from within itself. */
export function jsonRowParser(limits: RecordLimits): JsonRowParser {
  const inspection = new Inspection(limits);
  return (text) => {
    const quick = parseQuickly(text);
    if (isObject(quick) && inspection.vouchesFor(text, quick)) return quick as Row;
    const row = parseStrictly(text, limits);
    if (isObject(row)) return row as Row;
    throw new RowFault('not-an-object', 'a row must be an object of named columns; wrap it at the source');
  };
}

function parseQuickly(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Decides whether the answer of `JSON.parse` is the strict one. Duplicate keys are found by counting: each key
 * written has one colon outside strings, so the colons of the text, less those within the strings that survived,
 * equal the keys that survived, or a key was dropped.
 */
class Inspection {
  private readonly limits: RecordLimits;
  private keys = 0;
  private cells = 0;
  private colonsInStrings = 0;
  private isEscaped = false;

  constructor(limits: RecordLimits) {
    this.limits = limits;
  }

  /** Takes the prototypes off `row` on the way. False says only that the strict parser must look. */
  vouchesFor(text: string, row: Record<string, unknown>): boolean {
    this.isEscaped = text.includes('\\u');
    // A colon written as an escape would be missing from the text's count.
    if (this.isEscaped && text.includes('\\u003')) return false;
    this.keys = 0;
    this.cells = 0;
    this.colonsInStrings = 0;
    return (
      this.acceptsObject(row, 1) &&
      this.cells <= this.limits.cells &&
      countColons(text) === this.keys + this.colonsInStrings
    );
  }

  private acceptsObject(object: Record<string, unknown>, depth: number): boolean {
    if (depth > this.limits.depth) return false;
    let ownKeys = 0;
    for (const key in object) {
      ownKeys += 1;
      if (isRefusedKey(key) || !this.acceptsString(key) || !this.acceptsValue(object[key], depth))
        return false;
    }
    this.keys += ownKeys;
    Object.setPrototypeOf(object, null);
    return ownKeys <= this.limits.columns;
  }

  private acceptsValue(value: unknown, depth: number): boolean {
    this.cells += 1;
    if (typeof value === 'string') return this.acceptsString(value);
    if (typeof value === 'number')
      return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
    if (typeof value !== 'object' || value === null) return true;
    if (Array.isArray(value)) return this.acceptsArray(value, depth + 1);
    return this.acceptsObject(value as Record<string, unknown>, depth + 1);
  }

  private acceptsArray(elements: readonly unknown[], depth: number): boolean {
    if (depth > this.limits.depth || elements.length > this.limits.arrayLength) return false;
    for (const element of elements) if (!this.acceptsValue(element, depth)) return false;
    return true;
  }

  private acceptsString(text: string): boolean {
    if (this.isEscaped && !text.isWellFormed()) return false;
    if (text.length * 3 > this.limits.stringBytes) return false;
    this.colonsInStrings += countColons(text);
    return true;
  }
}

function countColons(text: string): number {
  let count = 0;
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) count += 1;
  return count;
}

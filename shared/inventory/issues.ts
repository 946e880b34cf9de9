import type { z } from 'zod';
import { fieldsAt } from './entry-schema.ts';
import { type InventoryProblem, quote } from './problems.ts';

/** Words for what the schema refuses; a value that was given is shown, an absent one is called missing. */
export const describeIssue: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is missing'
        : `must be ${nounOf(issue.expected)}, not ${kindOf(issue.input)}`;
    case 'invalid_value':
      return issue.input === undefined
        ? 'is missing'
        : `${show(issue.input)} is not one of ${issue.values.join(', ')}`;
    case 'invalid_union':
      return 'is missing or not a known type; known is "file"';
    case 'too_small':
      return issue.origin === 'array' ? 'must not be empty' : `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must ${issue.origin === 'array' ? 'have' : 'be'} at most ${issue.maximum}`;
    default:
      return issue.message;
  }
};

/** The schema's refusals as problems, unknown fields one by one. `place` is the entry's own, such as `[3]`. */
export const problemsOf = (error: z.ZodError, place: string): readonly InventoryProblem[] =>
  error.issues.flatMap((issue) => {
    const path = place + formatPath(issue.path);
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path, message: describeUnknownField(key, fieldsAt(issue.path)) }))
      : [{ path, message: issue.message }];
  });

const formatPath = (path: readonly PropertyKey[]): string =>
  path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');

function describeUnknownField(key: string, known: readonly string[]): string {
  const plain = plainLetters(key);
  const close = known.find((field) => editDistance(plainLetters(field), plain) <= (plain.length < 5 ? 1 : 2));
  return `unknown field ${quote(key)}; ${close ? `did you mean "${close}"?` : `known are ${known.join(', ')}`}`;
}

// keyType, key-type and KEY_TYPE are one slip, not three edits.
const plainLetters = (field: string): string =>
  field
    .slice(0, 64)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');

/** Levenshtein's distance: insertions, deletions and replacements between two short words. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...left].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (right[column - 1] === letter ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

const show = (value: unknown): string => quote(typeof value === 'string' ? value : JSON.stringify(value));

const nouns: Readonly<Record<string, string>> = {
  string: 'a string',
  array: 'an array',
  object: 'an object',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};
const nounOf = (expected: string): string => nouns[expected] ?? expected;

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a fraction';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

import { Failure } from '../../../runtime/errors.ts';

/** Letters that mean nothing in any warehouse's string literals. */
const plain = /^[A-Za-z0-9 ._:/=+@-]{0,1000}$/;

/**
 * An id of ours as a literal. What a row holds never comes into a statement; ids are plain by construction.
 * @throws Failure `id-not-plain` (bug)
 */
export function literal(id: string): string {
  if (plain.test(id)) return `'${id}'`;
  throw new Failure({
    code: 'id-not-plain',
    disposition: 'bug',
    message:
      'an id holds a character that has no place in a statement; name the pipeline and its chunks plainly',
  });
}

/** Doubled quotes are the quotes within (SQL-92, 5.2). */
export const doubleQuoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export const singleQuoted = (path: string): string => `'${path.replaceAll("'", "''")}'`;

/** Distinct names kept of a chunk; a source that invents names must not fill the ledger. */
const mostNames = 50;

/** Names that can be reported as they are. A source may use values as names, so others are only counted. */
const plain = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** How often columns came that the contract does not know. */
export interface SchemaDrift {
  /** Rows by unknown column; only names that look like a programmer's. */
  readonly columns: Readonly<Record<string, number>>;
  /** Occurrences under any other name, or beyond the number of names kept. */
  readonly others: number;
}

export const noDrift: SchemaDrift = { columns: {}, others: 0 };

export const isReportableName = (name: string): boolean => plain.test(name);

/** The columns of a record that the contract does not know. */
export interface UnknownColumns {
  readonly names: readonly string[];
  /** False of a record with none of the contract's columns: such names are values, as where a table has no header. */
  readonly nameable: boolean;
}

/** Counts unknown columns over a batch. */
export function createDriftCounter(): { count(unknown: UnknownColumns): void; read(): SchemaDrift } {
  const columns = new Map<string, number>();
  let others = 0;
  return {
    count({ names, nameable }) {
      for (const name of names) {
        const seen = nameable ? columns.get(name) : undefined;
        if (seen !== undefined) columns.set(name, seen + 1);
        else if (nameable && columns.size < mostNames && isReportableName(name)) columns.set(name, 1);
        else others++;
      }
    },
    read: () =>
      columns.size === 0 && others === 0 ? noDrift : { columns: Object.fromEntries(columns), others },
  };
}

/** The drift of two parts of a chunk together. */
export function mergeDrift(left: SchemaDrift, right: SchemaDrift): SchemaDrift {
  const columns = new Map(Object.entries(left.columns));
  let others = left.others + right.others;
  for (const [name, count] of Object.entries(right.columns)) {
    const seen = columns.get(name);
    if (seen === undefined && columns.size >= mostNames) others += count;
    else columns.set(name, (seen ?? 0) + count);
  }
  return { columns: Object.fromEntries(columns), others };
}

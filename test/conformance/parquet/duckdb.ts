import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Reads a script from its arguments, so that nothing is written beside the files that are looked at. */
const reader = `
import json, sys
import duckdb
files, query = sys.argv[1], sys.argv[2]
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
relation = connection.execute(query.replace("{files}", "'" + files.replace("'", "''") + "'"))
names = [column[0] for column in relation.description]
types = [str(column[1]) for column in relation.description]
rows = [[None if cell is None else str(cell) if not isinstance(cell, (bool, float)) else cell for cell in row] for row in relation.fetchall()]
json.dump({"version": duckdb.__version__, "names": names, "types": types, "rows": rows}, sys.stdout)
`;

export interface DuckDbAnswer {
  readonly version: string;
  readonly names: readonly string[];
  readonly types: readonly string[];
  /** Cells as DuckDB prints them; numbers with a fraction, booleans and nulls as they are. */
  readonly rows: readonly (readonly (null | boolean | number | string)[])[];
}

/**
 * What DuckDB answers to a query over the files a pattern names; `{files}` in the query stands for the pattern.
 * DUCKDB_PYTHON names a Python that has the module duckdb.
 */
export async function askDuckDb(files: string, query: string): Promise<DuckDbAnswer> {
  const python = process.env.DUCKDB_PYTHON;
  if (!python)
    throw new Error(
      'DUCKDB_PYTHON must name a Python interpreter that has the module duckdb; .ci/run sets it',
    );
  const { stdout } = await promisify(execFile)(python, ['-c', reader, files, query], {
    maxBuffer: 64 * 1024 * 1024,
    timeout: 60_000,
  });
  return JSON.parse(stdout);
}

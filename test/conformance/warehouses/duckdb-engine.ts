import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A line of JSON in, a line of JSON out; each ask is a session of its own, at the end of which its tables go. */
const script = `
import json, sys
import duckdb
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
def text(cell):
    if cell is None: return None
    if isinstance(cell, bool): return "true" if cell else "false"
    if isinstance(cell, float): return repr(cell)
    return str(cell)
for line in sys.stdin:
    ask, answer = json.loads(line), {"results": []}
    try:
        if ask["transaction"]: connection.execute("BEGIN TRANSACTION")
        for statement in ask["statements"]:
            done = connection.execute(statement)
            rows = done.fetchall() if done.description else []
            answer["results"].append([[text(cell) for cell in row] for row in rows])
        if ask["transaction"]: connection.execute("COMMIT")
    except Exception as error:
        answer["error"] = str(error)
        try: connection.execute("ROLLBACK")
        except Exception: pass
    for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall():
        connection.execute('DROP TABLE temp."' + name + '"')
    print(json.dumps(answer), flush=True)
`;

export interface EngineAnswer {
  /** Of each statement that was run; cells as text. */
  readonly results: readonly (readonly (readonly (string | null)[])[])[];
  readonly error?: string;
}

export interface Engine {
  /** Runs statements in one session, which others wait for. */
  run(statements: readonly string[], options?: { readonly transaction: boolean }): Promise<EngineAnswer>;
  stop(): Promise<void>;
}

/**
 * A DuckDB of its own, in memory. It stands in for warehouses that nobody can run here: what their statements mean is
 * shown by an engine that takes nearly the same SQL. DUCKDB_PYTHON names a Python that has the module duckdb.
 */
export function startDuckDb(): Engine {
  const python = process.env.DUCKDB_PYTHON;
  if (!python)
    throw new Error(
      'DUCKDB_PYTHON must name a Python interpreter that has the module duckdb; .ci/run sets it',
    );
  const child = spawn(python, ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let queue: Promise<unknown> = Promise.resolve();
  const ask = async (statements: readonly string[], transaction: boolean): Promise<EngineAnswer> => {
    child.stdin.write(`${JSON.stringify({ statements, transaction })}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error('DuckDB has ended');
    return JSON.parse(value);
  };
  return {
    run(statements, { transaction } = { transaction: false }) {
      const asked = queue.then(() => ask(statements, transaction));
      queue = asked.catch(() => undefined);
      return asked;
    },
    async stop() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

/** Runs what must succeed. */
export async function must(engine: Engine, statements: readonly string[]) {
  const { error, results } = await engine.run(statements);
  if (error) throw new Error(error);
  return results.at(-1) ?? [];
}

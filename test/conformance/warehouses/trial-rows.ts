import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore } from '../../../shared/etl/objects/object-store.ts';
import type { Row } from '../../../shared/etl/record.ts';
import { trialShape } from '../../contract/etl-destination.ts';
import { type Engine, must } from './duckdb-engine.ts';

/** The trial's table as cells were given. */
export async function readTrialRows(engine: Engine, table: string): Promise<readonly Row[]> {
  const known = await engine.run([`SELECT 1 FROM ${table} LIMIT 1`]);
  if (known.error) return [];
  const selected = trialShape.columns.map(({ name, type }) =>
    type === 'timestamp' ? `strftime("${name}" AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%f')` : `"${name}"`,
  );
  const rows = await must(engine, [`SELECT ${selected.join(', ')} FROM ${table}`]);
  return rows.map((cells) =>
    Object.fromEntries(
      trialShape.columns.map(({ name, type }, index) => [name, asGiven(type, cells[index] ?? null)]),
    ),
  );
}

function asGiven(type: (typeof trialShape.columns)[number]['type'], cell: string | null): Row[string] {
  if (cell === null) return null;
  switch (type) {
    case 'integer':
      return Number.isSafeInteger(Number(cell)) ? Number(cell) : cell;
    case 'number':
      return Number(cell);
    case 'boolean':
      return cell === 'true';
    case 'timestamp':
      return `${cell.replace(/\.?0+$/, '')}Z`;
    case 'json':
      return JSON.parse(cell);
    default:
      return cell;
  }
}

/** Objects as files that DuckDB can read, for as long as `use` takes. */
export async function withFiles<Result>(
  objects: ObjectStore,
  keys: readonly string[],
  use: (paths: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'staged-'));
  try {
    const paths: string[] = [];
    for (const key of keys) {
      const path = join(folder, `${paths.length}.ndjson`);
      await writeFile(path, await readObject(objects, key));
      paths.push(path);
    }
    return await use(paths);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function readObject(objects: ObjectStore, key: string): Promise<Buffer> {
  const held = await objects.read(key);
  if (!held) throw new Error(`nothing at ${key}`);
  const pieces: Uint8Array[] = [];
  for await (const piece of held.bytes) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** DuckDB's way to read staged files into the columns of a table, of which `columns` gives names and types. */
export const insertFromFiles = (
  table: string,
  columns: readonly { readonly name: string; readonly type: string }[],
  paths: readonly string[],
): string =>
  `INSERT INTO ${table} BY NAME SELECT * FROM read_json([${paths.map((path) => `'${path}'`).join(', ')}], ` +
  `format = 'newline_delimited', maximum_object_size = 67108864, columns = {${columns
    .map(({ name, type }) => `'${name}': '${type}'`)
    .join(', ')}})`;

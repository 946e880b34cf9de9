import { readFile, stat } from 'node:fs/promises';
import { parsePipeline } from '../../shared/etl/definition/parse-pipeline.ts';
import type { Pipeline } from '../../shared/etl/definition/pipeline-schema.ts';
import { capLines, oneLine } from '../../shared/report/readable-text.ts';
import { Failure } from '../../shared/runtime/errors.ts';
import type { PostgresOptions } from './postgres-options.ts';

export interface DefinedPipeline {
  /** As it is to be uploaded. */
  readonly definition: Readonly<Record<string, unknown>>;
  /** The same, read; with its defaults. */
  readonly pipeline: Pipeline;
}

/** Where the client certificate and the roots for the given PostgreSQL server are kept. */
export const postgresNames = {
  clientCertificate: 'etl-postgresql',
  caSecret: 'etl/postgresql/roots',
} as const;

const mostBytes = 1_048_576;
const shownProblems = 100;

/**
 * Reads a definition from a file and checks it, with the PostgreSQL server as a further destination when one is given.
 * @throws Failure `pipeline-unreadable`, `pipeline-invalid`
 */
export async function readPipeline(
  path: string,
  postgres?: PostgresOptions,
): Promise<DefinedPipeline & { readonly text: string }> {
  const text = await readBounded(path);
  return { ...definePipeline(text, { place: path, postgres }), text };
}

async function readBounded(path: string): Promise<string> {
  if (path.trim() === '') throw unreadable('""', 'its name is empty; give the path of a JSON file');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path))
    throw unreadable(path, 'give the path of a file on this machine, without a scheme; copy it here first');
  try {
    const found = await stat(path);
    if (!found.isFile()) throw unreadable(path, 'it is not a regular file; give the path of a JSON file');
    if (found.size > mostBytes) throw unreadable(path, `it has more than ${mostBytes} bytes`);
    return await readFile(path, 'utf8');
  } catch (error) {
    throw error instanceof Failure ? error : unreadable(path, (error as Error).message);
  }
}

/** The same for a text at hand; `place` is for the message. @throws Failure `pipeline-unreadable`, `pipeline-invalid` */
export function definePipeline(
  text: string,
  { place, postgres }: { place: string; postgres?: PostgresOptions | undefined },
): DefinedPipeline {
  const definition = addPostgres(parseJson(text, place), postgres);
  const { pipeline, problems } = parsePipeline(definition);
  if (pipeline && isRecord(definition)) return { definition, pipeline };
  const lines = problems
    .filter(({ severity }) => severity === 'error')
    .map(({ pointer, message }) => `  ${shown(`${pointer || '/'}: ${message}`)}`);
  throw new Failure({
    code: 'pipeline-invalid',
    disposition: 'give-up',
    message: `the pipeline definition ${shown(place)} is wrong:\n${capLines(lines, shownProblems).join('\n')}`,
  });
}

/** Into the table of the first destination, under its name. */
function addPostgres(definition: unknown, postgres: PostgresOptions | undefined): unknown {
  if (!postgres || !isRecord(definition) || !Array.isArray(definition.destinations)) return definition;
  const [first] = definition.destinations as unknown[];
  const { host, port, user, database } = postgres;
  const table = isRecord(first) ? first.table : undefined;
  const added = { type: 'postgresql', host, port, database, user, ...postgresNames, table };
  return { ...definition, destinations: [...definition.destinations, added] };
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw unreadable(place, `it is no JSON: ${(error as Error).message}`);
  }
}

/** Paths and definitions may hold what would steer a terminal. */
const shown = (text: string): string => oneLine(text, 4_096);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const unreadable = (place: string, why: string) =>
  new Failure({
    code: 'pipeline-unreadable',
    disposition: 'give-up',
    message: `the pipeline definition ${shown(place)} cannot be read: ${shown(why)}`,
  });

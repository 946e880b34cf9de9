import { RE2JS } from 're2js';
import { ColumnFlow, type FlowingColumn } from '../transforms/column-flow.ts';
import { followTransform } from '../transforms/registry.ts';
import { checkConnections } from './check-connections.ts';
import type { ColumnType } from './column.ts';
import { pointerTo } from './json-pointer.ts';
import type { Pipeline } from './pipeline-schema.ts';
import type { DefinitionProblem } from './problem.ts';

type Report = (pointer: string, code: string, message: string) => void;

/**
 * The checks at deploy, over a definition of the right form: every step finds its columns, filters give a bool, no
 * personal or secret column arrives in clear, the key holds. Finds all problems, in order; reads no row.
 */
export function checkPipeline(pipeline: Pipeline): DefinitionProblem[] {
  const problems: DefinitionProblem[] = [];
  const report: Report = (pointer, code, message) =>
    problems.push({ pointer, code, message, severity: 'error' });
  checkKey(pipeline, report);
  checkPatterns(pipeline, report);
  const flow = ColumnFlow.of(pipeline.contract);
  for (const [index, step] of pipeline.transforms.entries()) {
    followTransform(step, flow, ({ code, message, path = [], severity = 'error' }) => {
      const pointer = pointerTo('transforms', index, ...path);
      problems.push({ pointer, code, message, severity });
    });
  }
  checkArrivals(flow, report);
  checkBinding(pipeline, flow, report);
  checkQuality(pipeline, report);
  checkConnections(pipeline, report);
  problems.push(...warnOfIdleRules(pipeline));
  return problems;
}

/** Types whose cells have one written form, so that equal keys are equal text. */
const keyTypes: ReadonlySet<ColumnType> = new Set(['string', 'integer', 'date', 'timestamp', 'decimal']);

function checkKey({ contract }: Pipeline, report: Report): void {
  for (const [index, name] of contract.key.entries()) {
    const pointer = pointerTo('contract', 'key', index);
    const column = Object.hasOwn(contract.columns, name) ? contract.columns[name] : undefined;
    if (!column)
      report(pointer, 'column-unknown', `there is no column ${JSON.stringify(name)} in the contract`);
    else if (column.nullable) report(pointer, 'key-nullable', 'a key column cannot be nullable');
    else if (!keyTypes.has(column.type))
      report(pointer, 'key-type', `a ${column.type} cannot be part of a key`);
    if (contract.key.indexOf(name) !== index) report(pointer, 'key-repeated', 'is named twice');
  }
}

const mostProgram = 500;

function checkPatterns({ contract }: Pipeline, report: Report): void {
  for (const [name, { pattern }] of Object.entries(contract.columns)) {
    if (pattern === undefined) continue;
    const pointer = pointerTo('contract', 'columns', name, 'pattern');
    try {
      if (RE2JS.compile(pattern).programSize() <= mostProgram) continue;
      report(pointer, 'pattern-too-large', 'compiles to too large a program; repeat less');
    } catch {
      report(pointer, 'pattern', 'is no RE2: no look-around, no back-references');
    }
  }
}

/** What a class asks for; a mask shows a part, which a secret must not. */
const enough: Readonly<Record<FlowingColumn['classification'], readonly FlowingColumn['protection'][]>> = {
  public: ['clear', 'hashed', 'masked', 'encrypted'],
  internal: ['clear', 'hashed', 'masked', 'encrypted'],
  pii: ['hashed', 'masked', 'encrypted'],
  secret: ['encrypted'],
  unclassified: ['encrypted'],
};

function checkArrivals(flow: ColumnFlow, report: Report): void {
  for (const [name, { classification, protection, pointer }] of flow.columns) {
    if (enough[classification].includes(protection)) continue;
    const how = protection === 'clear' ? 'in clear' : `only ${protection}`;
    report(
      pointer,
      'unprotected-column',
      `the ${classification} column ${JSON.stringify(name)} would reach the destination ${how}; ` +
        `${[...enough[classification], 'dropped'].join(', ')} would do`,
    );
  }
}

/** What reads as a rule and rules nothing. */
function warnOfIdleRules({ retention, destinations, window }: Pipeline): DefinitionProblem[] {
  const warn = (pointer: string, code: string, message: string): DefinitionProblem[] => [
    { pointer, code, message, severity: 'warning' },
  ];
  const hasFiles = destinations.some(({ type }) => type === 's3');
  return [
    ...(retention.loadedDays !== undefined && !hasFiles
      ? warn('/retention/loadedDays', 'retention-idle', 'no destination is s3; tables keep what was loaded')
      : []),
    ...(window.offsetSeconds >= window.everySeconds
      ? warn(
          '/window/offsetSeconds',
          'offset-whole',
          'is a whole window or more; the rest of it is what counts',
        )
      : []),
  ];
}

const stableTypes: ReadonlySet<ColumnType> = new Set(['string', 'integer', 'date']);

/** A sealed cell is bound to its record's key, which a destination must give back as it was written. */
function checkBinding({ contract }: Pipeline, flow: ColumnFlow, report: Report): void {
  const seals = [...flow.columns.values()].some(({ protection }) => protection === 'encrypted');
  if (!seals && contract.unknownColumns !== 'evolve') return;
  for (const [index, name] of flow.key.entries()) {
    const type = flow.find(name)?.type;
    if (type === undefined || stableTypes.has(type)) continue;
    const message = `cells are bound to the key, and a ${type} may be written otherwise by the destination; cast it`;
    report(pointerTo('contract', 'key', index), 'key-unstable', message);
  }
}

/** Quality is measured on records as they come in. */
function checkQuality({ quality, contract }: Pipeline, report: Report): void {
  const find = (name: string) => (Object.hasOwn(contract.columns, name) ? contract.columns[name] : undefined);
  for (const name of Object.keys(quality.nullRate ?? {})) {
    if (find(name)) continue;
    const message = `there is no column ${JSON.stringify(name)} in the contract`;
    report(pointerTo('quality', 'nullRate', name), 'column-unknown', message);
  }
  if (!quality.freshness || find(quality.freshness.column)?.type === 'timestamp') return;
  report('/quality/freshness/column', 'column-type', 'is no timestamp of the contract');
}

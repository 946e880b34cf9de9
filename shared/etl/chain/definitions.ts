import { asFailure, Failure } from '../../runtime/errors.ts';
import type { PipelineDestination } from '../definition/destination-schema.ts';
import { digestPipeline } from '../definition/digest.ts';
import { parsePipeline } from '../definition/parse-pipeline.ts';
import type { Pipeline } from '../definition/pipeline-schema.ts';
import { classOf } from '../ledger/failure-class.ts';
import type { Run } from '../ledger/run.ts';
import type { RunPlan } from '../ledger/run-changes.ts';
import { failRun } from '../ledger/tend-run.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Cadence } from '../run/window.ts';
import type { ChainPorts, PipelineCatalogue } from './ports.ts';
import { exchanged, keepJson, readJson, workKeys } from './work-objects.ts';

/**
 * A definition as it stands in the catalogue, checked.
 * @throws Failure `pipeline-unknown`, `pipeline-invalid` with every problem by its pointer
 */
export async function requirePipeline(catalogue: PipelineCatalogue, name: string): Promise<Pipeline> {
  const definition = await catalogue.read(name);
  if (definition === undefined)
    throw new Failure({
      code: 'pipeline-unknown',
      disposition: 'give-up',
      message: `there is no pipeline ${name}; those there are: ${(await catalogue.list()).join(', ') || 'none'}`,
    });
  const pipeline = checkedPipeline(definition, name);
  if (pipeline.name === name) return pipeline;
  throw invalid(name, [`/name: is ${JSON.stringify(pipeline.name)}, and the file is named ${name}.json`]);
}

/** @throws Failure `pipeline-invalid` */
export function checkedPipeline(definition: unknown, name: string): Pipeline {
  const { pipeline, problems } = parsePipeline(definition);
  if (pipeline) return pipeline;
  const errors = problems.filter(({ severity }) => severity === 'error');
  throw invalid(
    name,
    errors.map(({ pointer, message }) => `${pointer || '/'}: ${message}`),
  );
}

/** Keeps the definition a run is opened with, so that a change of the catalogue changes no run under way. */
export async function keepDefinition(work: ObjectStore, pipeline: Pipeline): Promise<string> {
  const configHash = digestPipeline(pipeline);
  await keepJson(work, workKeys.definition(configHash), pipeline);
  await keepJson(work, workKeys.known(pipeline.name), {});
  return configHash;
}

/** Every pipeline that has had runs, sorted: those whose definitions are gone have still to come to an end. */
export async function knownPipelines(work: ObjectStore): Promise<readonly string[]> {
  const names = new Set<string>();
  const prefix = workKeys.known('');
  for await (const { key, deleted } of work.listVersions(prefix))
    if (!deleted) names.add(key.slice(prefix.length));
  return [...names].sort();
}

/** @throws Failure `work-object-missing`, `work-object-exchanged`, `pipeline-invalid` */
export async function definitionOf(
  work: ObjectStore,
  run: Pick<Run, 'pipeline' | 'configHash'>,
): Promise<Pipeline> {
  const key = workKeys.definition(run.configHash);
  const kept = (await readJson(work, key)) as Pipeline;
  // Before it is parsed: a later version of this program may add to what it parses.
  if (digestPipeline(kept) !== run.configHash) throw exchanged(key);
  return checkedPipeline(kept, run.pipeline);
}

/**
 * The definition of a run whose chunks are worked on. Undefined where nobody will ever read it: the run has failed by
 * that, or was over already.
 * @throws Failure those of the store
 */
export async function definitionOrEnd(
  { ledger, clock, buckets, invoker }: Pick<ChainPorts, 'ledger' | 'clock' | 'buckets' | 'invoker'>,
  run: Run,
): Promise<Pipeline | undefined> {
  try {
    return await definitionOf(buckets.work, run);
  } catch (error) {
    const failure = asFailure(error);
    if (failure.disposition === 'retry' || failure.disposition === 'retry-after') throw failure;
    const recorded = { class: classOf(failure), code: failure.code, at: clock.now() };
    if (await failRun({ ledger }, run, recorded)) await invoker.report(run);
    return undefined;
  }
}

/** What a run of the pipeline is opened with. */
export const planRun = (
  pipeline: Pipeline,
  { configHash, scope, trigger }: Pick<RunPlan, 'configHash' | 'scope' | 'trigger'>,
): RunPlan => ({
  pipeline: pipeline.name,
  target: pipeline.destinations.map(describeDestination).join(', '),
  scope,
  trigger,
  configHash,
  contractVersion: String(pipeline.contract.version),
});

export const cadenceOf = ({ window }: Pipeline): Cadence => ({
  lengthSeconds: window.everySeconds,
  offsetSeconds: window.offsetSeconds,
  lagSeconds: window.lagSeconds,
});

/** A destination as part of the load id: type, place and table. */
function describeDestination(destination: PipelineDestination): string {
  const { type, table } = destination;
  switch (type) {
    case 's3':
      return `s3://${destination.bucket ?? 'analytics'}/${destination.prefix}${table}`;
    case 'postgresql':
      return `postgresql://${destination.host}:${destination.port}/${destination.database}/${destination.schema}.${table}`;
    case 'redshift':
      return `redshift://${destination.workgroup ?? destination.cluster}/${destination.database}/${destination.schema}.${table}`;
    case 'bigquery':
      return `bigquery://${destination.project}/${destination.dataset}.${table}`;
    case 'snowflake':
      return `snowflake://${destination.account}/${destination.database}/${destination.schema}.${table}`;
  }
}

const invalid = (name: string, problems: readonly string[]) =>
  new Failure({
    code: 'pipeline-invalid',
    disposition: 'give-up',
    message: `the pipeline ${name} cannot run as it is defined:\n${problems.join('\n')}`,
  });

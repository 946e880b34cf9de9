import type { PipelineSource } from '../definition/source-schema.ts';
import { compilePlan, type TransformPlan } from '../transforms/plan.ts';
import type { ChainPorts, DefinedRun } from './ports.ts';
import { describeScope } from './source-of-run.ts';

/** The plan of a run's transforms with the keys it needs; one per chunk. */
export async function preparePlan(
  ports: Pick<ChainPorts, 'keys' | 'pseudonymKey' | 'random'>,
  { run, pipeline }: DefinedRun,
): Promise<{ plan: TransformPlan; keyIds: readonly string[] }> {
  const seals =
    pipeline.contract.unknownColumns === 'evolve' ||
    pipeline.transforms.some(({ type }) => type === 'encrypt_column');
  const table = pipeline.destinations[0].table;
  const purpose = { pipeline: run.pipeline, runId: run.runId, table, master: 'cells' as const };
  const dataKey = seals ? await ports.keys.keyFor(purpose) : undefined;
  const hashes = pipeline.transforms.some(({ type }) => type === 'hash_pii');
  const pseudonymKey = hashes ? await ports.pseudonymKey() : undefined;
  const plan = compilePlan(pipeline, {
    run: {
      runId: run.runId,
      startedAt: run.openedAt,
      version: run.contractVersion,
      source: run.scope.kind === 'replay' ? describeScope(run) : describeSource(pipeline.source),
    },
    pseudonymKey,
    dataKey,
    random: ports.random,
  });
  const keyIds = [
    ...(dataKey ? [`cells ${dataKey.keyId}`] : []),
    ...(pseudonymKey ? [`pseudonyms h${pseudonymKey.version}`] : []),
  ];
  return { plan, keyIds };
}

/** A source for people: no credentials, no query. */
export function describeSource(source: PipelineSource): string {
  switch (source.type) {
    case 'https': {
      const { origin, pathname } = new URL(source.url);
      return `${origin}${pathname}`;
    }
    case 'postgresql':
      return `postgresql://${source.host}:${source.port}/${source.database}/${source.schema}.${source.table}`;
    case 's3':
      return `s3://${source.bucket}/${source.prefix}`;
  }
}

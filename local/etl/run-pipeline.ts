import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { readReport } from '../../shared/etl/chain/kept-reports.ts';
import type { RequestedRun } from '../../shared/etl/chain/request-runs.ts';
import type { Run } from '../../shared/etl/ledger/run.ts';
import { createS3ObjectStore } from '../../shared/etl/objects/store.s3.ts';
import type { EtlSummary } from '../../shared/etl/report/etl-summary.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import { asFailure } from '../../shared/runtime/errors.ts';
import type { LocalStack } from '../stack.ts';
import type { PipelineWorld } from './pipeline-world.ts';
import { recoverRuns } from './recover-runs.ts';

const lookMillis = 150;
const tickMillis = 5_000;
/** A run may lawfully wait for hours (a source that throttles); a pass must not. */
const passMillis = 15 * 60_000;

export interface PipelinePass {
  readonly world: PipelineWorld;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

/** Runs a pipeline's last window by the deployed functions, and answers what its report says. */
export async function runPipeline(stack: LocalStack, pass: PipelinePass): Promise<EtlSummary> {
  const { world, clock, signal, onProgress } = pass;
  const startedAt = clock.now();
  const s3 = new S3Client({
    endpoint: stack.aws.environment.AWS_ENDPOINT_URL_S3 ?? '',
    region: stack.aws.environment.AWS_REGION ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    forcePathStyle: true,
  });
  try {
    const { name } = world.pipeline;
    await recoverRuns(stack.stores.ledger, name, clock);
    await upload(s3, stack, world);
    const [requested] = (await stack.aws.lambda.call('start-etl', {
      pipeline: name,
      window: { from: world.window.from.toISOString(), to: world.window.to.toISOString() },
    })) as RequestedRun[];
    const slot = { pipeline: name, scopeKey: requested?.scope ?? '' };
    const run = await watch(stack, { ...pass, slot });
    const records = createS3ObjectStore(s3, bucketOf(stack, 'report-etl', 'ETL_RECORDS_BUCKET'));
    const report = run && (await readReport(records, run));
    if (report) onProgress(describe(report, name));
    for (const line of describeTrouble(run)) onProgress(`  ${line}`);
    return report ?? unfinished({ runId: requested?.runId ?? '', run, clock, startedAt });
  } catch (error) {
    if (!signal.aborted) onProgress(`the pipeline could not be run: ${asFailure(error).message}`);
    return unfinished({ runId: '', run: undefined, clock, startedAt });
  } finally {
    s3.destroy();
  }
}

/** Until people would have been told; ticks as the schedule would. */
async function watch(
  stack: LocalStack,
  { slot, clock, signal, onProgress }: PipelinePass & { slot: { pipeline: string; scopeKey: string } },
): Promise<Run | undefined> {
  const endsAt = clock.now().getTime() + passMillis;
  let nextTickAt = clock.now().getTime() + tickMillis;
  let shown = '';
  for (;;) {
    const run = await stack.stores.ledger.getRun(slot);
    if (run && run.state !== shown) onProgress(`pipeline ${slot.pipeline}: ${run.state}`);
    shown = run?.state ?? shown;
    const nowMillis = clock.now().getTime();
    if (!run || isTold(run) || signal.aborted || nowMillis > endsAt) return run;
    if (nowMillis >= nextTickAt) {
      await stack.aws.lambda.call('start-etl', { trigger: 'schedule' });
      nextTickAt = nowMillis + tickMillis;
    }
    await clock.sleep(lookMillis, signal).catch(() => undefined);
  }
}

/** A held run is told of at once, and nothing here renews what holds it. */
const isTold = ({ state, nextActionAt }: Run): boolean =>
  state === 'reported' || state === 'held' || (state === 'failed' && nextActionAt === undefined);

const upload = (s3: S3Client, stack: LocalStack, { pipeline, definition }: PipelineWorld) =>
  s3.send(
    new PutObjectCommand({
      Bucket: bucketOf(stack, 'start-etl', 'ETL_CATALOGUE_BUCKET'),
      Key: `pipelines/${pipeline.name}.json`,
      Body: JSON.stringify(definition),
      ContentType: 'application/json',
    }),
  );

function bucketOf({ aws }: LocalStack, functionName: string, variable: string): string {
  const plan = aws.functions.find(({ bundle }) => bundle === functionName);
  return (plan?.environment[variable] ?? '').replace('{account}', plan?.arn.split(':')[4] ?? '');
}

function describeTrouble(run: Run | undefined): readonly string[] {
  if (run?.state === 'held') return (run.heldFor ?? []).map(({ code, message }) => `${code}: ${message}`);
  if (run?.state !== 'failed' || !run.failure) return [];
  const { code, stage = run.failedIn, chunkId } = run.failure;
  return [`${code} in ${stage}${chunkId ? `, chunk ${chunkId}` : ''}; --verbose shows the log`];
}

function describe(report: EtlSummary, name: string): string {
  const { status, extracted, loaded, filtered, quarantined, duplicates, connections } = report;
  const tls = connections.map(({ host, protocol }) => `${host} ${protocol}`).join(', ') || 'none';
  return [
    `pipeline ${name} ${status}: ${extracted} extracted, ${loaded} loaded, ${filtered} filtered, ` +
      `${quarantined} in quarantine, ${duplicates} duplicates`,
    `  TLS: ${tls}`,
    ...report.quality.findings.map(({ action, message }) => `  ${action}: ${message}`),
  ].join('\n');
}

/** What can be said of a run that nobody has reported. */
function unfinished({
  runId,
  run,
  clock,
  startedAt,
}: {
  runId: string;
  run: Run | undefined;
  clock: Clock;
  startedAt: Date;
}): EtlSummary {
  return {
    runId,
    status: run?.state === 'held' ? 'held' : 'failed',
    extracted: 0,
    transformed: 0,
    loaded: 0,
    filtered: 0,
    quarantined: 0,
    duplicates: 0,
    errors: 1,
    durationMs: clock.now().getTime() - startedAt.getTime(),
    quality: {
      nullRate: {},
      duplicateRate: null,
      schemaViolationRate: null,
      freshnessSeconds: null,
      findings: [],
    },
    connections: [],
  };
}

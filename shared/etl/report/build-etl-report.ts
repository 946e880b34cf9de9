import type { RecordedConnection } from '../../audit/run-record.ts';
import { formatInstant } from '../../report/readable-text.ts';
import { Failure } from '../../runtime/errors.ts';
import { addBooks, emptyBooks } from '../books/books.ts';
import { emptyTally, judgeQuality, measureQuality } from '../books/quality.ts';
import { thresholdsOf } from '../books/thresholds.ts';
import { noDrift, type SchemaDrift } from '../contract/drift.ts';
import type { PiiWarning } from '../contract/undeclared-pii.ts';
import type { Pipeline } from '../definition/pipeline-schema.ts';
import type { LoadFigures } from '../destinations/destination.ts';
import { tableShapeOf } from '../destinations/table-shape.ts';
import type { CheckedCertificate, GateProblem } from '../gate/gate.ts';
import type { RecordedFailure, Run } from '../ledger/run.ts';
import type { RunScope } from '../run/scope.ts';
import { datasetOfDestination, datasetOfSource } from './dataset.ts';
import type { EtlReport, ReportedQuality } from './etl-report.ts';
import {
  pickCertificates,
  pickConnections,
  pickDrift,
  pickFailures,
  pickPiiWarnings,
  pickProblems,
} from './pick-facts.ts';
import { asCode, asWords } from './plain-names.ts';

/** What is known of a run when people are told of it; all but the first three may be missing in one that failed. */
export interface EtlFacts {
  readonly pipeline: Pipeline;
  /** Held, failed, loaded or reported. */
  readonly run: Run;
  readonly finishedAt: Date;
  /** Failures besides the run's own. */
  readonly failures?: readonly RecordedFailure[] | undefined;
  readonly drift?: SchemaDrift | undefined;
  readonly piiWarnings?: readonly PiiWarning[] | undefined;
  readonly connections?: readonly RecordedConnection[] | undefined;
  readonly certificates?: readonly CheckedCertificate[] | undefined;
  readonly heldFor?: readonly GateProblem[] | undefined;
  /** Over all chunks, in the order of the definition. */
  readonly destinations?: readonly ({ readonly name: string } & LoadFigures)[] | undefined;
  readonly rawDeleted?: number | undefined;
  /** Where S3 destinations without a bucket of their own write. */
  readonly analyticsBucket?: string | undefined;
}

/**
 * Sums up a run. Takes what it knows by name and leaves everything else behind, so that facts which hold more than
 * they should are not reported.
 * @throws Failure `run-not-over` (bug) for a run on its way
 */
export function buildEtlReport(facts: EtlFacts): EtlReport {
  const { pipeline, run, finishedAt } = facts;
  return {
    pipeline: pipeline.name,
    runId: run.runId,
    loadId: run.loadId,
    status: statusOf(run),
    ...describeScope(run.scope),
    trigger: run.trigger,
    openedAt: run.openedAt,
    finishedAt,
    durationMs: Math.max(0, finishedAt.getTime() - run.openedAt.getTime()),
    books: addBooks([run.books ?? emptyBooks]),
    errors: pickFailures([
      ...(run.failure && run.state === 'failed' ? [run.failure] : []),
      ...(facts.failures ?? []),
    ]),
    quality: judge(facts),
    drift: pickDrift(facts.drift ?? noDrift),
    piiWarnings: pickPiiWarnings(facts.piiWarnings ?? []),
    duplicatesFoundBy: pipeline.transforms.some(({ type }) => type === 'dedupe') ? 'chunk' : 'none',
    connections: pickConnections(facts.connections ?? []),
    certificates: pickCertificates(facts.certificates ?? []),
    heldFor: pickProblems(facts.heldFor ?? []),
    source: {
      dataset: datasetOfSource(pipeline.source),
      columns: Object.entries(pipeline.contract.columns).map(([name, { type }]) => ({ name, type })),
    },
    destinations: listDestinations(facts),
    columns: tableShapeOf(pipeline).columns.map(({ name, type }) => ({ name, type })),
    rawDeleted: facts.rawDeleted ?? 0,
    configHash: run.configHash,
    contractVersion: run.contractVersion,
  };
}

function statusOf({ state, runId, pipeline }: Run): EtlReport['status'] {
  if (state === 'held' || state === 'failed') return state;
  if (state === 'loaded' || state === 'reported') return 'succeeded';
  throw new Failure({
    code: 'run-not-over',
    disposition: 'bug',
    message: `run ${runId} of ${pipeline} is ${state}: there is nothing to report yet`,
  });
}

function describeScope(scope: RunScope): Pick<EtlReport, 'scope' | 'window' | 'replayed'> {
  switch (scope.kind) {
    case 'window': {
      const { from, to } = scope;
      return { scope: `${formatInstant(from)} to ${formatInstant(to)}`, window: { from, to } };
    }
    case 'replay': {
      const { loadId, round, of } = scope;
      return { scope: `the quarantine of ${asWords(of)}, time ${round}`, replayed: { loadId, round } };
    }
  }
}

function judge({ pipeline, run, finishedAt }: EtlFacts): ReportedQuality {
  const tally = run.quality ?? emptyTally;
  const asOf = run.scope.kind === 'window' ? run.scope.to : (run.committed?.at ?? finishedAt);
  const evidence = { tally, books: run.books ?? emptyBooks, asOf };
  const columns = Object.keys(pipeline.contract.columns);
  const nulls = columns.map((name) => [name, Object.hasOwn(tally.nulls, name) ? tally.nulls[name] : 0]);
  return {
    records: tally.records,
    nulls: Object.fromEntries(nulls.filter(([, count]) => count)),
    violations: Object.fromEntries(
      Object.entries(tally.violations).map(([code, count]) => [asCode(code), count]),
    ),
    metrics: measureQuality(evidence, columns),
    findings: judgeQuality(evidence, thresholdsOf(pipeline, run.scope.kind)),
  };
}

function listDestinations(facts: EtlFacts): EtlReport['destinations'] {
  const { pipeline, destinations = [], analyticsBucket = 'analytics' } = facts;
  return pipeline.destinations.map((definition, index) => {
    const dataset = datasetOfDestination(definition, analyticsBucket);
    const told = destinations[index];
    if (!told) return { name: `${definition.type} ${dataset.name}`, dataset };
    const { name, inserted, updated, unchanged } = told;
    return { name: asWords(name), dataset, figures: { inserted, updated, unchanged } };
  });
}

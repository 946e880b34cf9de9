import { emptyBooks } from '../../shared/etl/books/books.ts';
import type { Run } from '../../shared/etl/ledger/run.ts';
import type { EtlSummary } from '../../shared/etl/report/etl-summary.ts';
import { millisBetween } from '../../shared/runtime/clock.ts';

/** The status that a run's report has; undefined while there is nothing to report. */
export function statusOf({ state, nextActionAt }: Run): EtlSummary['status'] | undefined {
  if (state === 'reported') return 'succeeded';
  if (state === 'held') return 'held';
  return state === 'failed' && nextActionAt === undefined ? 'failed' : undefined;
}

/** What can be said of a run whose report is not there; of none, why there is none. */
export function summarizeRun({
  run,
  problems,
  startedAt,
  now,
}: {
  run: Run | undefined;
  /** Each as `<code>: <message>`. */
  problems: readonly string[];
  startedAt: Date;
  now: Date;
}): EtlSummary {
  const { extracted, staged, filtered, quarantined, duplicates, ...loaded } = run?.books ?? emptyBooks;
  const known = run ? reasonsOf(run) : [];
  const messages = [...known, ...problems.filter((problem) => !known.includes(problem))];
  const status = (run && statusOf(run)) ?? 'failed';
  return {
    runId: run?.runId ?? '',
    status,
    extracted,
    transformed: staged,
    loaded: loaded.inserted + loaded.updated + loaded.unchanged,
    filtered,
    quarantined,
    duplicates,
    errors: status === 'failed' ? Math.max(1, messages.length) : 0,
    durationMs: millisBetween(startedAt, now),
    quality: {
      nullRate: {},
      duplicateRate: null,
      schemaViolationRate: null,
      freshnessSeconds: null,
      findings: messages.map((message) => ({ action: 'fail', message })),
    },
    connections: [],
  };
}

function reasonsOf({ state, heldFor = [], failure, failedIn }: Run): readonly string[] {
  if (state === 'held') return heldFor.map(({ code, subject, message }) => `${code}: ${subject}: ${message}`);
  if (state !== 'failed' || !failure) return [];
  const { code, stage = failedIn, chunkId } = failure;
  return [`${code}: in ${stage}${chunkId ? `, chunk ${chunkId}` : ''}`];
}

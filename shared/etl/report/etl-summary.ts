import { type EtlReport, loadedOf } from './etl-report.ts';
import { listSurprises } from './etl-sections.ts';

/** Of many columns those that most often have no value; keeps the summary under 64 KB. */
const listedColumns = 100;
const listedConnections = 100;
const listedFindings = 100;

export interface SummaryFinding {
  readonly action: 'fail' | 'warn';
  readonly message: string;
}

/** A run for machines: the JSON summary of `npm start`, and what SNS carries beside the text. */
export interface EtlSummary {
  readonly runId: string;
  readonly status: EtlReport['status'];
  readonly extracted: number;
  /** Records that came through the transforms. */
  readonly transformed: number;
  /** Of those, what the destination says it inserted, updated or held already. */
  readonly loaded: number;
  readonly filtered: number;
  readonly quarantined: number;
  readonly duplicates: number;
  readonly errors: number;
  readonly durationMs: number;
  readonly quality: {
    /** Shares of records without a value; columns that always have one are left out. */
    readonly nullRate: Readonly<Record<string, number>>;
    readonly duplicateRate: number | null;
    readonly schemaViolationRate: number | null;
    readonly freshnessSeconds: number | null;
    /** What held or failed the run first, then what its quality warns of. */
    readonly findings: readonly SummaryFinding[];
  };
  readonly connections: readonly {
    readonly host: string;
    readonly protocol: string;
    readonly cipher: string;
    readonly verified: boolean;
  }[];
}

export function etlSummary(report: EtlReport): EtlSummary {
  const { runId, status, books, errors, durationMs, quality, connections } = report;
  const figure = (name: string) => quality.metrics.find(({ metric }) => metric === name)?.value ?? null;
  const nullRates = quality.metrics.flatMap(({ column, value }): [string, number][] =>
    column !== undefined && value ? [[column, value]] : [],
  );
  const summed = connections.map(({ host, protocol, cipher, verified }) => ({
    host,
    protocol,
    cipher,
    verified,
  }));
  return {
    runId,
    status,
    extracted: books.extracted,
    transformed: books.staged,
    loaded: loadedOf(report),
    filtered: books.filtered,
    quarantined: books.quarantined,
    duplicates: books.duplicates,
    errors: errors.length,
    durationMs,
    quality: {
      nullRate: Object.fromEntries(nullRates.toSorted(([, a], [, b]) => b - a).slice(0, listedColumns)),
      duplicateRate: figure('duplicate-rate'),
      schemaViolationRate: figure('violation-rate'),
      freshnessSeconds: figure('freshness-seconds'),
      findings: listFindings(report).slice(0, listedFindings),
    },
    connections: [...new Map(summed.map((each) => [JSON.stringify(each), each])).values()].slice(
      0,
      listedConnections,
    ),
  };
}

function listFindings(report: EtlReport): readonly SummaryFinding[] {
  const { quality, heldFor, errors } = report;
  const judged = quality.findings.map(({ action, message }) => ({ action, message }));
  const isJudged = judged.some(({ action }) => action === 'fail');
  const fail = (message: string) => ({ action: 'fail' as const, message });
  return [
    ...heldFor.map(({ code, subject, message }) => fail(`${code}: ${subject}: ${message}`)),
    ...errors
      // The findings themselves say more.
      .filter(({ code }) => !(isJudged && code === 'quality-below-threshold'))
      .map(({ code, stage, chunkId }) => {
        const place = [stage && `in ${stage}`, chunkId && `chunk ${chunkId}`].filter(Boolean).join(', ');
        return fail(`${code}: ${place || 'in the run itself'}`);
      }),
    ...judged,
    ...listSurprises(report).map((message) => ({ action: 'warn' as const, message })),
  ];
}

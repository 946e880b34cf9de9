import type { RecordedConnection } from '../../audit/run-record.ts';
import type { Books } from '../books/books.ts';
import type { Metric, QualityFinding } from '../books/quality.ts';
import type { SchemaDrift } from '../contract/drift.ts';
import type { PiiWarning } from '../contract/undeclared-pii.ts';
import type { ColumnType } from '../definition/column.ts';
import type { LoadFigures } from '../destinations/destination.ts';
import type { CheckedCertificate, GateProblem } from '../gate/gate.ts';
import type { RecordedFailure, Run } from '../ledger/run.ts';
import type { Window } from '../run/window.ts';
import type { Dataset } from './dataset.ts';

/** How the run's quality was measured and judged. */
export interface ReportedQuality {
  /** Records that were looked at. */
  readonly records: number;
  /** Records without a value, by column of the contract; columns that had none are absent. */
  readonly nulls: Readonly<Record<string, number>>;
  /** Breaches of the contract, by code. */
  readonly violations: Readonly<Record<string, number>>;
  readonly metrics: readonly Metric[];
  readonly findings: readonly QualityFinding[];
}

export interface ReportedColumn {
  readonly name: string;
  readonly type: ColumnType;
}

export interface ReportedDestination {
  /** Type, place and table. */
  readonly name: string;
  readonly dataset: Dataset;
  /** As told by the destination; absent where nothing was loaded. */
  readonly figures?: LoadFigures | undefined;
}

/**
 * What became of a run, in names, codes, counts and instants: it holds nothing that was read from a record, and
 * whatever people, logs, metrics and catalogues are told of a run is made from this alone.
 */
export interface EtlReport {
  readonly pipeline: string;
  readonly runId: string;
  readonly loadId: string;
  readonly status: 'succeeded' | 'failed' | 'held';
  /** What the run is about, in words. */
  readonly scope: string;
  /** Of runs about a time. */
  readonly window?: Window | undefined;
  /** Of runs about what an earlier load had put into quarantine. */
  readonly replayed?: { readonly loadId: string; readonly round: number } | undefined;
  readonly trigger: Run['trigger'];
  readonly openedAt: Date;
  readonly finishedAt: Date;
  readonly durationMs: number;
  readonly books: Books;
  readonly errors: readonly RecordedFailure[];
  readonly quality: ReportedQuality;
  readonly drift: SchemaDrift;
  readonly piiWarnings: readonly PiiWarning[];
  /**
   * What `duplicates` counts: `chunk`, the records that the dedupe transform left out of their chunk; `none`, none
   * before the load. Across chunks the destination merges by key, and tells of it as updated or unchanged.
   */
  readonly duplicatesFoundBy: 'chunk' | 'none';
  readonly connections: readonly RecordedConnection[];
  readonly certificates: readonly CheckedCertificate[];
  readonly heldFor: readonly GateProblem[];
  readonly source: { readonly dataset: Dataset; readonly columns: readonly ReportedColumn[] };
  readonly destinations: readonly ReportedDestination[];
  /** What every destination got. */
  readonly columns: readonly ReportedColumn[];
  /** Versions of raw objects that were erased. */
  readonly rawDeleted: number;
  readonly configHash: string;
  readonly contractVersion: string;
}

/** What came of the records that the first destination holds now. */
export const loadedOf = ({ books }: EtlReport): number => books.inserted + books.updated + books.unchanged;

import type { AuditLog } from '../../audit/log.ts';
import type { Signer } from '../../audit/signer.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Deadline } from '../../runtime/deadline.ts';
import type { Random } from '../../runtime/random.ts';
import type { Pipeline } from '../definition/pipeline-schema.ts';
import type { Destination } from '../destinations/destination.ts';
import type { ConnectionRecorder, Gate, GateVerdict } from '../gate/gate.ts';
import type { RunKeys } from '../keys/run-keys.ts';
import type { ChunkRef } from '../ledger/chunk.ts';
import type { RunLedger } from '../ledger/ledger.ts';
import type { Run, RunSlot, Stage } from '../ledger/run.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { EtlReport } from '../report/etl-report.ts';
import type { Source } from '../sources/source.ts';
import type { PseudonymKey } from '../transforms/transform.ts';

/** The definitions of a stage, as people maintain them. */
export interface PipelineCatalogue {
  /** Names, sorted. */
  list(): Promise<readonly string[]>;
  /** A definition as it was written; undefined when there is none. Failures: `catalogue-unavailable`, `definition-unreadable` */
  read(name: string): Promise<unknown>;
}

/** Starts functions without waiting for them; what is lost on the way is due again. Failures: `invoke-unavailable`. */
export interface Invoker {
  /** One of extract-records, transform-records, load-records. */
  carry(stage: Stage, ref: ChunkRef): Promise<void>;
  /** report-etl. */
  report(run: RunSlot & { runId: string }): Promise<void>;
  /** report-etl, for what a pipeline's retention no longer allows. */
  expire(pipeline: { pipeline: string; configHash: string }): Promise<void>;
  /** schedule-renewals, for certificates of the fleet that hold a run up. */
  renew(certificates: readonly string[]): Promise<void>;
}

/** The buckets of a stage; all of them versioned. */
export interface Buckets {
  /** Raw and staged parts, sealed; manifests and indexes, which hold counts and keys alone. */
  readonly work: ObjectStore;
  /** What was set aside, sealed under a key of its own. */
  readonly quarantine: ObjectStore;
  /** Signed run records, receipts of erasure, the sealed audit chain. */
  readonly records: ObjectStore;
}

/** Opens the ends of a pipeline to the peers that the gate has checked. */
export interface Ends {
  source(pipeline: Pipeline, peers: GateVerdict['peers']): Promise<Source>;
  destinations(pipeline: Pipeline, peers: GateVerdict['peers']): Promise<readonly Destination[]>;
}

/** What the chain stands on; each function is given the part it uses. */
export interface ChainPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly ledger: RunLedger;
  readonly buckets: Buckets;
  readonly keys: RunKeys;
  readonly pseudonymKey: () => Promise<PseudonymKey>;
  readonly gate: Gate;
  readonly recorder: ConnectionRecorder;
  readonly ends: Ends;
  readonly invoker: Invoker;
}

/** One invocation of a worker. */
export interface Worker {
  readonly deadline: Deadline;
  /** Names this worker among all that may run at once. */
  readonly owner: string;
  /** As long as the worker can live, and a little more. */
  readonly leaseSeconds: number;
  /** The one stage that its role is for; absent: every one. */
  readonly stage?: Stage | undefined;
}

/** What report-etl needs besides. */
export interface FinishPorts extends ChainPorts {
  readonly audit: AuditLog;
  readonly signer: () => Promise<Signer>;
  /** How long run records cannot be deleted by anybody; 0 where the bucket has no lock. */
  readonly lockDays: number;
  /** Tells people; repeated, it reaches those that were missed. @throws Failure where one of them may be reached yet */
  readonly tell: (report: EtlReport, pipeline: Pipeline) => Promise<void>;
}

/** A run with the definition it was opened with. */
export interface DefinedRun {
  readonly run: Run;
  readonly pipeline: Pipeline;
}

import type { Clock } from '../../runtime/clock.ts';
import { Failure } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import { classOf } from './failure-class.ts';
import type { RunLedger } from './ledger.ts';
import type { Lease, Run, RunSlot, RunState } from './run.ts';
import {
  afterEvent,
  afterFailure,
  afterStruggle,
  afterTelling,
  firstRun,
  type RunDetails,
  type RunPlan,
  supersede,
  underLease,
} from './run-changes.ts';
import type { RunEvent } from './run-transitions.ts';
import { resumeRun } from './tend-run.ts';

/** What is done about a run that the scope has already: a schedule leaves it, a person may say otherwise. */
export type ExistingRun = 'leave' | 'resume' | 'supersede';

/** `exists`: the start was doubled, or somebody else's comes first; there is nothing to do. */
export interface OpenedRun {
  readonly kind: 'opened' | 'resumed' | 'superseded' | 'exists';
  readonly run: Run;
}

export interface OpenPorts {
  readonly ledger: RunLedger;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Random;
}

/**
 * Opens the run of a pipeline about a scope, which has one at a time. A failed or held run is resumed (where it
 * stopped) or superseded (from the start, by a new run with the same load id) on request; so is one that was
 * reported, superseded alone.
 * @throws Failure `run-not-ready` where the run there cannot be resumed or superseded; `run-contended`
 */
export async function openRun(
  { ledger, clock, random }: OpenPorts,
  plan: RunPlan,
  existing: ExistingRun,
): Promise<OpenedRun> {
  const wanted = firstRun(plan, { now: clock.now(), random });
  const there = await ledger.openRun(wanted);
  if (there.runId === wanted.runId) return { kind: 'opened', run: there };
  if (existing === 'leave') return { kind: 'exists', run: there };
  if (existing === 'resume') return { kind: 'resumed', run: await resumeRun({ ledger, clock }, there) };
  const run = supersede(there, wanted);
  if (await ledger.replaceRun(run)) return { kind: 'superseded', run };
  throw runContended(there);
}

/** States in which a run itself is worked on: by start-etl, and by report-etl. */
export const startableStates: readonly RunState[] = ['checking', 'held', 'planned'];
export const reportableStates: readonly RunState[] = ['loaded', 'failed'];

/**
 * The run for start-etl or report-etl to work on alone until `lease.until`; undefined while another has it, and
 * where it is in none of `states`: who comes late must not keep a run from those whose turn it is. What is done to
 * it then goes through `changeRun`.
 */
export async function claimRun(
  { ledger, clock }: Pick<OpenPorts, 'ledger' | 'clock'>,
  {
    states = [...startableStates, ...reportableStates],
    ...slot
  }: RunSlot & { readonly states?: readonly RunState[] },
  lease: Lease,
): Promise<Run | undefined> {
  const run = await ledger.getRun(slot);
  if (!run || !states.includes(run.state)) return undefined;
  const leased = underLease(run, lease, clock.now());
  return leased && (await ledger.replaceRun(leased)) ? leased : undefined;
}

/** What keeps failing in passing ways is given up after so long, for people to look at. */
const longestStruggleMillis = 6 * 3_600_000;

/**
 * Gives a claimed run back after a failure of whoever worked on it: to be tried again soon, or as failed where no
 * repetition helps and where none has helped for six hours. Answers whether it has failed. A run that was written
 * meanwhile, by this worker or another, is due anyway and left alone.
 */
export async function giveUpOrBack(
  { ledger, clock }: Pick<OpenPorts, 'ledger' | 'clock'>,
  run: Run,
  failure: Failure,
): Promise<boolean> {
  if (failure.code === 'run-contended') return false;
  const now = clock.now();
  const struggledMillis = now.getTime() - (run.strugglingSince ?? now).getTime();
  const passes = failure.disposition === 'retry' || failure.disposition === 'retry-after';
  if (passes && struggledMillis <= longestStruggleMillis) {
    await ledger.replaceRun(afterStruggle(run, now));
    return false;
  }
  return ledger.replaceRun(afterFailure(run, { class: classOf(failure), code: failure.code, at: now }));
}

/**
 * Writes that something happened to a run, ends the lease, and answers the run as it stands.
 * @throws Failure `run-contended` where somebody has written the run since it was read: a lease was overtaken, or
 *   a person stepped in; `run-not-ready` where the event cannot happen
 */
export async function changeRun(
  { ledger, clock }: Pick<OpenPorts, 'ledger' | 'clock'>,
  run: Run,
  change: {
    event: Exclude<RunEvent, 'failed' | 'superseded' | 'committed'>;
    details?: RunDetails;
    /** When the run is looked at again, in place of the state's usual time. */
    nextActionAt?: Date;
  },
): Promise<Run> {
  const changed = afterEvent(run, change.event, { now: clock.now(), details: change.details ?? {} });
  const written = change.nextActionAt ? { ...changed, nextActionAt: change.nextActionAt } : changed;
  if (await ledger.replaceRun(written)) return written;
  throw runContended(run);
}

/** Writes that people have been told of a failed run; one that was resumed or superseded meanwhile is left alone. */
export const settleFailure = ({ ledger }: Pick<OpenPorts, 'ledger'>, run: Run): Promise<boolean> =>
  ledger.replaceRun(afterTelling(run));

const runContended = ({ runId, pipeline }: Run) =>
  new Failure({
    code: 'run-contended',
    disposition: 'retry',
    message: `run ${runId} of ${pipeline} has been written by somebody else meanwhile; read it again`,
  });

import { type Clock, secondsAfter } from '../../runtime/clock.ts';
import { Failure } from '../../runtime/errors.ts';
import { addBooks, type Books, findImbalances } from '../books/books.ts';
import { addTallies, judgeQuality, type QualityTally, type Threshold } from '../books/quality.ts';
import { type Chunk, startAfresh } from './chunk.ts';
import type { RunLedger } from './ledger.ts';
import { type RecordedFailure, type Run, type RunSlot, type RunState, stages } from './run.ts';
import { afterEvent, afterFailure } from './run-changes.ts';
import { runTransitions, stageEvents, stateAfter, takesWork } from './run-transitions.ts';

export interface TendPorts {
  readonly ledger: RunLedger;
  readonly clock: Pick<Clock, 'now'>;
  /** What a run's quality is held to before anything is loaded. */
  readonly thresholds?: readonly Threshold[] | undefined;
}

/** Writers of a run seldom meet: at its stages' ends, and where a person steps in. */
const turns = 20;

/**
 * Takes a run as far as its chunks are: into its next state when all of them are through with a stage, and into
 * `loaded` when the books balance. Answers the states that this call, and no other, has brought the run to; the
 * caller starts report-etl for `loaded`. Does nothing to a run that has failed, ended or been superseded.
 */
export async function advanceRun(
  ports: TendPorts,
  wanted: RunSlot & { runId: string },
): Promise<readonly RunState[]> {
  const entered: RunState[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const run = await ports.ledger.getRun(wanted);
    const stage = run?.runId === wanted.runId ? runTransitions[run.state].awaits : undefined;
    if (!run || !stage || run.chunkCount === undefined) return entered;
    if ((await ports.ledger.finishedCount(run, stage)) < run.chunkCount) return entered;
    const now = ports.clock.now();
    const next =
      stage === 'load'
        ? await closeBooks(ports, run)
        : stage === 'transform'
          ? await judgeTransformed(ports, run)
          : afterEvent(run, stageEvents[stage], { now });
    if (await ports.ledger.replaceRun(next)) entered.push(next.state);
  }
  throw contended(wanted);
}

/** The run as it may load, or as failed: a run whose quality forbids it puts nothing into its target. */
async function judgeTransformed({ ledger, clock, thresholds = [] }: TendPorts, run: Run): Promise<Run> {
  const now = clock.now();
  const sums = await sumResults(ledger, run);
  const fail = (code: string) =>
    afterFailure({ ...run, ...sums }, { class: 'terminal', code, at: now, stage: 'transform' });
  // Nothing is loaded yet, so the other side of the law is still open.
  if (findImbalances(sums.books).some(({ law }) => law !== 'load')) return fail('books-unbalanced');
  const findings = judgeQuality({ ...sums, tally: sums.quality, asOf: asOf(run, now) }, thresholds);
  if (findings.some(({ action }) => action === 'fail')) return fail('quality-below-threshold');
  return afterEvent(run, 'transformed', { now, details: sums });
}

/** The run as committed, together with its watermark; or as failed where its books forbid it. */
async function closeBooks({ ledger, clock }: TendPorts, run: Run): Promise<Run> {
  const now = clock.now();
  const sums = await sumResults(ledger, run);
  if (findImbalances(sums.books).length > 0)
    return afterFailure(
      { ...run, ...sums },
      { class: 'terminal', code: 'books-unbalanced', at: now, stage: 'load' },
    );
  const committed = { runId: run.runId, at: now, watermark: run.watermark };
  return afterEvent(run, 'committed', { now, details: { ...sums, committed } });
}

/** What freshness is measured to. */
export const asOf = ({ scope }: Pick<Run, 'scope'>, now: Date): Date =>
  scope.kind === 'window' ? scope.to : now;

async function sumResults(ledger: RunLedger, run: Run): Promise<{ books: Books; quality: QualityTally }> {
  const results = (await ledger.listChunks(run)).flatMap((chunk) =>
    stages.flatMap((stage) => chunk.results[stage] ?? []),
  );
  return {
    books: addBooks(results.map(({ books }) => books)),
    quality: addTallies(results.flatMap(({ quality }) => quality ?? [])),
  };
}

/** Ends a run as failed; false for one that has ended, or was superseded, and is left as it is. */
export async function failRun(
  { ledger }: Pick<TendPorts, 'ledger'>,
  wanted: RunSlot & { runId: string },
  failure: RecordedFailure,
): Promise<boolean> {
  for (let turn = 0; turn < turns; turn += 1) {
    const run = await ledger.getRun(wanted);
    if (!run || run.runId !== wanted.runId || !stateAfter(run, 'failed')) return false;
    if (await ledger.replaceRun(afterFailure(run, failure))) return true;
  }
  throw contended(wanted);
}

/**
 * Lets a failed run go on where it stopped, with its chunks' tries forgotten, or has a held one checked again. It is
 * due at once for whoever advances it, by the thresholds of its own definition.
 * @throws Failure `run-not-ready` in other states; `run-contended`
 */
export async function resumeRun(ports: Omit<TendPorts, 'thresholds'>, run: Run): Promise<Run> {
  const now = ports.clock.now();
  const changed = afterEvent(run, run.state === 'held' ? 'rechecked' : 'resumed', { now });
  // The chunks are still parked should this worker end here.
  const resumed = { ...changed, nextActionAt: now };
  if (!(await ports.ledger.replaceRun(resumed))) throw contended(run);
  if (takesWork(resumed)) await reviveChunks(ports, resumed);
  return resumed;
}

/**
 * Looks after a run whose chunks are worked on, when it is due and after it was resumed: chunks that were parked
 * because it had failed are due again, and it is advanced as in `advanceRun`. May be repeated; the caller
 * postpones the run by `tendSeconds`.
 */
export async function tendRun(
  ports: TendPorts,
  wanted: RunSlot & { runId: string },
): Promise<readonly RunState[]> {
  const run = await ports.ledger.getRun(wanted);
  if (!run || run.runId !== wanted.runId || !takesWork(run)) return [];
  await reviveChunks(ports, run);
  return advanceRun(ports, wanted);
}

type RevivePorts = Pick<TendPorts, 'ledger' | 'clock'>;

async function reviveChunks(ports: RevivePorts, run: Run): Promise<void> {
  for (const chunk of await ports.ledger.listChunks(run))
    if (chunk.phase !== 'done' && !chunk.nextActionAt) await revive(ports, chunk);
}

async function revive({ ledger, clock }: RevivePorts, chunk: Chunk): Promise<void> {
  const now = clock.now();
  const owner = `tend ${chunk.runId}`;
  const leased = await ledger.claimChunk(chunk, { owner, now, until: secondsAfter(now, 60) });
  if (leased) await ledger.releaseChunk(startAfresh(leased, now)).catch(ignoreOvertaking);
}

/** Whoever took the chunk meanwhile has made it due, or works on it. */
function ignoreOvertaking(error: unknown): void {
  if (!(error instanceof Failure && error.code === 'lease-lost')) throw error;
}

const contended = ({ pipeline, scopeKey }: RunSlot) =>
  new Failure({
    code: 'run-contended',
    disposition: 'retry',
    message: `the run of ${pipeline} about ${scopeKey} is being written by others without end; look at its workers`,
  });

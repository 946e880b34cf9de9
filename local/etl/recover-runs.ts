import type { DueWork, RunLedger } from '../../shared/etl/ledger/ledger.ts';
import type { Clock } from '../../shared/runtime/clock.ts';

const distantFuture = new Date('9999-12-31T00:00:00Z');
const mostWork = 10_000;

/**
 * Makes all that is open of a pipeline due at once, as whoever starts a pass by hand wants it: the leases that workers
 * of an earlier process hold are given up, and so are the pauses after failures. Failed and held runs are left as they
 * are. Answers how much was open.
 */
export async function recoverRuns(ledger: RunLedger, pipeline: string, clock: Clock): Promise<number> {
  const open = await findOpen(ledger, pipeline);
  for (const work of open) await recover(ledger, work, clock.now());
  return open.length;
}

/** How many runs of a pipeline are open besides one. */
export async function countOtherRuns(
  ledger: RunLedger,
  { pipeline, scopeKey }: { pipeline: string; scopeKey: string },
): Promise<number> {
  const open = await findOpen(ledger, pipeline);
  return open.filter((work) => work.kind === 'run' && work.scopeKey !== scopeKey).length;
}

const findOpen = (ledger: RunLedger, pipeline: string): Promise<readonly DueWork[]> =>
  ledger.findDue({ pipeline, until: distantFuture, limit: mostWork });

async function recover(ledger: RunLedger, work: DueWork, now: Date): Promise<void> {
  if (work.kind === 'run') {
    const run = await ledger.getRun(work);
    if (!run || run.state === 'failed' || run.state === 'held') return;
    await ledger.replaceRun({ ...run, lease: undefined, version: run.version + 1, nextActionAt: now });
    return;
  }
  // A claim as of a time when every lease and every rest has ended.
  const claim = { owner: 'recovery', now: distantFuture, until: distantFuture };
  const leased = await ledger.claimChunk(work, claim);
  if (leased) await ledger.releaseChunk({ ...leased, restsUntil: undefined, nextActionAt: now });
}

import type { DueWork, RunLedger } from '../../shared/etl/ledger/ledger.ts';
import type { Clock } from '../../shared/runtime/clock.ts';

const distantFuture = new Date('9999-12-31T00:00:00Z');
const mostWork = 10_000;

/**
 * Gives up the leases that workers of an earlier process hold on a pipeline's runs and chunks, so that this one need
 * not wait them out. Answers how much was open.
 */
export async function recoverRuns(ledger: RunLedger, pipeline: string, clock: Clock): Promise<number> {
  const open = await ledger.findDue({ pipeline, until: distantFuture, limit: mostWork });
  for (const work of open) await recover(ledger, work, clock.now());
  return open.length;
}

async function recover(ledger: RunLedger, work: DueWork, now: Date): Promise<void> {
  if (work.kind === 'run') {
    const run = await ledger.getRun(work);
    if (run?.lease)
      await ledger.replaceRun({ ...run, lease: undefined, version: run.version + 1, nextActionAt: now });
    return;
  }
  const chunk = await ledger.getChunk(work);
  if (!chunk) return;
  // A claim as of a time when every lease has ended.
  const claim = { owner: 'recovery', now: distantFuture, until: distantFuture };
  const leased = await ledger.claimChunk(work, claim);
  const { restsUntil } = chunk;
  const nextActionAt = restsUntil && restsUntil > now ? restsUntil : now;
  if (leased) await ledger.releaseChunk({ ...leased, nextActionAt });
}

import { asFailure } from '../../runtime/errors.ts';
import { settleFailure } from '../ledger/open-run.ts';
import type { Run } from '../ledger/run.ts';
import { buildEtlReport } from '../report/build-etl-report.ts';
import type { EtlReport } from '../report/etl-report.ts';
import { auditDraft } from './audit-events.ts';
import { definitionOf } from './definitions.ts';
import { isReportKept, keepReport } from './kept-reports.ts';
import type { FinishPorts } from './ports.ts';
import { readPlan } from './run-plan.ts';
import { sealAudit } from './seal-audit.ts';
import { connectionsOf } from './stage-result.ts';

/** Tells people of a run that is held or has failed; a failed one is due no more from then on. */
export async function tellTrouble(ports: FinishPorts, run: Run): Promise<EtlReport> {
  const pipeline = await definitionOf(ports.buckets.work, run);
  const kind = run.state === 'held' ? 'held' : 'failed';
  const codes = [...new Set((run.heldFor ?? []).map(({ code }) => code))].sort();
  const { code = 'unknown', at = run.openedAt } = run.failure ?? {};
  const told =
    kind === 'held'
      ? { facts: { codes }, occasion: codes.join(' ') }
      : { facts: { code, in: run.failedIn ?? 'unknown' }, occasion: at.toISOString() };
  const occasion = [kind, told.occasion.replaceAll(' ', '+')].join('-');
  if (!(await isReportKept(ports, run, occasion))) {
    await ports.audit.append(run.pipeline, auditDraft(run, kind, { at: ports.clock.now(), ...told }));
    // No signed record follows that would name the chain's end: from the table alone a failure could be cut off.
    await sealAudit(ports, { chain: run.pipeline, name: `${run.runId}-${kind}` });
  }
  const report = buildEtlReport({
    pipeline,
    run,
    finishedAt: ports.clock.now(),
    heldFor: run.heldFor,
    ...(await knownOf(ports, run).catch(nothingIfGone)),
  });
  await keepReport(ports, report, occasion);
  await ports.tell(report, pipeline);
  if (kind === 'failed') await settleFailure(ports, run);
  return report;
}

/** People hear of a run that failed because its plan is gone, or is not its own, all the same. */
function nothingIfGone(error: unknown): Record<string, never> {
  if (asFailure(error).disposition === 'give-up') return {};
  throw error;
}

/** What a run that ended before its time has left to tell. */
async function knownOf({ ledger, buckets }: FinishPorts, run: Run) {
  if (run.manifestKey === undefined) return {};
  const { certificates, connections } = await readPlan(buckets.work, run);
  const chunks = await ledger.listChunks(run);
  return { certificates, connections: [...connections, ...connectionsOf(chunks)] };
}

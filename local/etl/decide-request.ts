import type { ExistingRun } from '../../shared/etl/ledger/open-run.ts';
import type { Run } from '../../shared/etl/ledger/run.ts';

/**
 * What a pass asks for about its window:
 * - `start`: a run, in place of what is there as `existing` says;
 * - `nothing`: the window was loaded as it is defined.
 */
export type RunDecision =
  | { readonly kind: 'start'; readonly existing: ExistingRun; readonly reason?: string | undefined }
  | { readonly kind: 'nothing' };

/** Whether the functions go on with a run by themselves. */
export const isUnderWay = ({ state }: Run): boolean =>
  state !== 'reported' && state !== 'failed' && state !== 'held';

/** Of a run that is not under way. `isExpired`: what a failed one had read is gone, so that it cannot go on. */
export function decideRequest(
  run: Run | undefined,
  present: { readonly configHash: string; readonly isExpired: boolean },
): RunDecision {
  if (!run) return { kind: 'start', existing: 'leave' };
  if (run.configHash !== present.configHash) {
    const reason = `the definition has changed since run ${run.runId}, which a new run supersedes`;
    return { kind: 'start', existing: 'supersede', reason };
  }
  if (run.state === 'reported') return { kind: 'nothing' };
  if (run.state === 'held') {
    const reason = `run ${run.runId} was held; its certificates are checked again`;
    return { kind: 'start', existing: 'resume', reason };
  }
  const code = run.failure?.code ?? 'unknown';
  if (present.isExpired) {
    const reason = `run ${run.runId} had failed (${code}), and what it read has expired; a new run supersedes it`;
    return { kind: 'start', existing: 'supersede', reason };
  }
  return { kind: 'start', existing: 'resume', reason: `run ${run.runId} had failed (${code}); it goes on` };
}

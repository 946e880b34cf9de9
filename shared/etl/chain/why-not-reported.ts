import type { RunLedger } from '../ledger/ledger.ts';
import { reportableStates } from '../ledger/open-run.ts';
import type { RunSlot, RunState } from '../ledger/run.ts';

/** `not-over`: its turn comes when it is loaded, held or failed. */
export interface NotReported {
  readonly result: 'no-such-run' | 'already-reported' | 'another-worker' | 'not-over';
  readonly state?: RunState | undefined;
}

/** Why there was nothing to report of a run, as the ledger has it now. */
export async function whyNotReported(ledger: Pick<RunLedger, 'getRun'>, slot: RunSlot): Promise<NotReported> {
  const state = (await ledger.getRun(slot))?.state;
  if (!state) return { result: 'no-such-run' };
  if (state === 'reported') return { result: 'already-reported', state };
  return { result: reportableStates.includes(state) ? 'another-worker' : 'not-over', state };
}

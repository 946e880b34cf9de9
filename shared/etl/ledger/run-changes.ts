import { secondsAfter } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import { newRunId } from '../run/run-id.ts';
import { loadIdOf, type RunScope, scopeKey } from '../run/scope.ts';
import { resendSeconds } from './chunk.ts';
import type { Lease, RecordedFailure, Run } from './run.ts';
import { type RunEvent, requireStateAfter } from './run-transitions.ts';

/** What a run is opened with. */
export interface RunPlan {
  readonly pipeline: string;
  readonly target: string;
  readonly scope: RunScope;
  readonly trigger: Run['trigger'];
  readonly configHash: string;
  readonly contractVersion: string;
}

/** How often a run whose chunks are being worked on is looked after. */
export const tendSeconds = 900;

/** A run to be opened, in the state `checking`. */
export function firstRun(plan: RunPlan, { now, random }: { now: Date; random: Random }): Run {
  return {
    ...plan,
    scopeKey: scopeKey(plan.scope),
    runId: newRunId(now, random),
    loadId: loadIdOf(plan),
    version: 1,
    state: 'checking',
    openedAt: now,
    // Whoever opens it starts it, or the tick does, which looks for what is due right after it has opened some.
    nextActionAt: now,
  };
}

/** The run that takes the place of another; what that one has committed stays until this one commits. */
export function supersede(old: Run, next: Run): Run {
  requireStateAfter(old, 'superseded');
  return { ...next, version: old.version + 1, committed: old.committed };
}

/** What may be written together with an event. */
export type RunDetails = Partial<
  Pick<
    Run,
    | 'heldFor'
    | 'manifestKey'
    | 'manifestDigest'
    | 'chunkCount'
    | 'watermark'
    | 'books'
    | 'quality'
    | 'committed'
  >
>;

/**
 * The run after an event: its lease is ended, and it is due when it would be looked after if nobody came.
 * @throws Failure `run-not-ready` where the event cannot happen
 */
export function afterEvent(
  run: Run,
  event: Exclude<RunEvent, 'failed' | 'superseded'>,
  { now, details = {} }: { now: Date; details?: RunDetails },
): Run {
  const state = requireStateAfter(run, event);
  const { lease: _l, failure: _f, failedIn: _i, heldFor: _h, nextActionAt: _n, ...rest } = run;
  const { strugglingSince: _s, ...kept } = rest;
  return { ...kept, ...details, state, version: run.version + 1, nextActionAt: dueAfter(state, now) };
}

/** @throws Failure `run-not-ready` where the run has ended */
export function afterFailure(run: Run, failure: RecordedFailure): Run {
  const state = requireStateAfter(run, 'failed');
  const { lease: _l, ...kept } = run;
  const nextActionAt = secondsAfter(failure.at, resendSeconds);
  return { ...kept, state, failure, failedIn: run.state, version: run.version + 1, nextActionAt };
}

/** The run given back by a worker who got it no further; it is due again soon. */
export function afterStruggle(run: Run, now: Date): Run {
  const { lease: _l, strugglingSince = now, ...kept } = run;
  const nextActionAt = secondsAfter(now, resendSeconds);
  return { ...kept, strugglingSince, version: run.version + 1, nextActionAt };
}

/** A failed run of which people have been told: it is due no more. */
export function afterTelling(run: Run): Run {
  const { lease: _l, nextActionAt: _n, ...kept } = run;
  return { ...kept, version: run.version + 1 };
}

/** The run under a lease; undefined while another owner's holds. */
export function underLease(run: Run, lease: Lease, now: Date): Run | undefined {
  if (run.lease && run.lease.until > now && run.lease.owner !== lease.owner) return undefined;
  return { ...run, lease, version: run.version + 1, nextActionAt: lease.until };
}

function dueAfter(state: Run['state'], now: Date): Date | undefined {
  switch (state) {
    case 'reported':
      return undefined;
    case 'extracting':
    case 'transforming':
    case 'loading':
    case 'held':
      return secondsAfter(now, tendSeconds);
    default:
      return secondsAfter(now, resendSeconds);
  }
}

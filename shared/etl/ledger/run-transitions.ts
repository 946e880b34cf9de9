import { Failure } from '../../runtime/errors.ts';
import type { Run, RunState, Stage } from './run.ts';

/** What happens to a run. `resumed` leads back to where it failed. */
export type RunEvent =
  | 'held'
  | 'rechecked'
  | 'planned'
  | 'chunks-written'
  | 'extracted'
  | 'transformed'
  | 'committed'
  | 'reported'
  | 'failed'
  | 'resumed'
  | 'superseded';

interface Row {
  readonly on: Partial<Readonly<Record<RunEvent, RunState>>>;
  /** The stage whose last chunk ends this state. */
  readonly awaits?: Stage;
}

/** The one place that knows the order of things. What a state does not list cannot happen in it. */
export const runTransitions: Readonly<Record<RunState, Row>> = {
  checking: { on: { held: 'held', planned: 'planned', failed: 'failed' } },
  held: { on: { held: 'held', rechecked: 'checking', failed: 'failed', superseded: 'checking' } },
  // All chunks may be through before their writer has said that all are written.
  planned: {
    on: { 'chunks-written': 'extracting', extracted: 'transforming', failed: 'failed' },
    awaits: 'extract',
  },
  extracting: { on: { extracted: 'transforming', failed: 'failed' }, awaits: 'extract' },
  transforming: { on: { transformed: 'loading', failed: 'failed' }, awaits: 'transform' },
  loading: { on: { committed: 'loaded', failed: 'failed' }, awaits: 'load' },
  // The data is in the target: what cannot be finished undoes nothing, and goes on where a person resumes it.
  loaded: { on: { reported: 'reported', failed: 'failed' } },
  reported: { on: { superseded: 'checking' } },
  failed: { on: { resumed: 'checking', superseded: 'checking' } },
};

/** What the last chunk of a stage means to its run. */
export const stageEvents: Readonly<Record<Stage, 'extracted' | 'transformed' | 'committed'>> = {
  extract: 'extracted',
  transform: 'transformed',
  load: 'committed',
};

/** Whether chunks of the run may be worked on. */
export const takesWork = ({ state }: Pick<Run, 'state'>): boolean =>
  runTransitions[state].awaits !== undefined;

/** The state an event leads to; undefined where it cannot happen. */
export function stateAfter(run: Pick<Run, 'state' | 'failedIn'>, event: RunEvent): RunState | undefined {
  const next = runTransitions[run.state].on[event];
  return next && event === 'resumed' ? (run.failedIn ?? next) : next;
}

/** @throws Failure `run-not-ready` where the event cannot happen in the run's state */
export function requireStateAfter(run: Run, event: RunEvent): RunState {
  const next = stateAfter(run, event);
  if (next) return next;
  throw new Failure({
    code: 'run-not-ready',
    disposition: 'give-up',
    message: `run ${run.runId} of ${run.pipeline} is ${run.state} and cannot be ${event}; look at it before you ask again`,
  });
}

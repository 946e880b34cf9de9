import { secondsAfter } from '../../runtime/clock.ts';
import { Failure } from '../../runtime/errors.ts';
import { parsePipeline } from '../definition/parse-pipeline.ts';
import type { Pipeline } from '../definition/pipeline-schema.ts';
import type { DefinitionProblem } from '../definition/problem.ts';
import type { GateProblem } from '../gate/gate.ts';
import { type ExistingRun, type OpenedRun, openRun } from '../ledger/open-run.ts';
import type { Run } from '../ledger/run.ts';
import { scopeKey } from '../run/scope.ts';
import { backfillWindows, type Cadence, scheduledWindow, type Window, windowText } from '../run/window.ts';
import { cadenceOf, keepDefinition, planRun, requirePipeline } from './definitions.ts';
import { refuseExpired } from './expire-raw.ts';
import type { ChainPorts, PipelineCatalogue, Worker } from './ports.ts';
import { startRun } from './start-run.ts';

type RequestPorts = ChainPorts & { readonly catalogue: PipelineCatalogue };

export interface RunRequest {
  readonly pipeline: string;
  readonly window?: Window | undefined;
  /** Every window of the grid that this period touches. */
  readonly backfill?: Window | undefined;
  readonly existing: ExistingRun;
}

export interface RequestedRun {
  readonly kind: OpenedRun['kind'];
  readonly runId: string;
  readonly scope: string;
  readonly state: Run['state'];
  readonly heldFor?: readonly GateProblem[] | undefined;
  /** The code of what a failed run failed with. */
  readonly failure?: string | undefined;
}

/**
 * Opens the runs a person asks for and starts the first few at once; the tick starts the others.
 * @throws Failure `pipeline-unknown`, `pipeline-invalid`, `window-off-grid`, `window-not-over`, `backfill-empty`,
 *   `backfill-too-long`, `run-not-ready`, `raw-expired`
 */
export async function requestRuns(
  ports: RequestPorts,
  worker: Worker,
  request: RunRequest,
): Promise<readonly RequestedRun[]> {
  const pipeline = await requirePipeline(ports.catalogue, request.pipeline);
  const windows = windowsOf(pipeline, request, ports.clock.now());
  const configHash = await keepDefinition(ports.buckets.work, pipeline);
  const trigger = request.backfill ? 'backfill' : 'manual';
  const requested: RequestedRun[] = [];
  for (const [index, window] of windows.entries()) {
    const scope = { kind: 'window' as const, ...window };
    if (request.existing === 'resume')
      await refuseExpired(ports, { pipeline: pipeline.name, scopeKey: scopeKey(scope) });
    const plan = planRun(pipeline, { configHash, scope, trigger });
    const opened = await openRun(ports, plan, request.existing).catch((error: unknown) => {
      // One of many that goes on, or needs nothing, does not keep the others from what was asked for.
      if (!request.backfill || !(error instanceof Failure) || error.code !== 'run-not-ready') throw error;
      return openRun(ports, plan, 'leave');
    });
    requested.push(await begin(ports, worker, { opened, atOnce: index < startedAtOnce }));
  }
  return requested;
}

const startedAtOnce = 3;

async function begin(
  ports: RequestPorts,
  worker: Worker,
  { opened, atOnce }: { opened: OpenedRun; atOnce: boolean },
): Promise<RequestedRun> {
  const { kind, run } = opened;
  const started = atOnce && run.state === 'checking' ? ((await startRun(ports, worker, run)) ?? run) : run;
  const { runId, state, heldFor, scopeKey: scope } = started;
  const failure = state === 'failed' ? started.failure?.code : undefined;
  return { kind, runId, scope, state, ...(heldFor && { heldFor }), ...(failure && { failure }) };
}

function windowsOf(pipeline: Pipeline, { window, backfill }: RunRequest, now: Date): readonly Window[] {
  const cadence = cadenceOf(pipeline);
  if (backfill) return backfillWindows(cadence, backfill, now);
  if (!window) return [scheduledWindow(cadence, now)];
  const near = nearestWindow(cadence, window);
  const isOnGrid = windowText(near) === windowText(window);
  if (window.to > now && isOnGrid)
    throw refused(
      'window-not-over',
      `${windowText(window)} of ${pipeline.name} is not over before ${window.to.toISOString()}; start it then, or leave out the window for the last one that is over`,
    );
  if (isOnGrid) return [near];
  const startable = near.to > now ? scheduledWindow({ ...cadence, lagSeconds: 0 }, now) : near;
  throw refused(
    'window-off-grid',
    `${windowText(window)} is none of the grid of ${pipeline.name}; the nearest there that is over is ${windowText(startable)}`,
  );
}

/** The window of the grid that begins nearest to the beginning of another. */
function nearestWindow(cadence: Cadence, { from }: Window): Window {
  const halfLater = secondsAfter(from, 1.5 * cadence.lengthSeconds);
  return scheduledWindow({ ...cadence, lagSeconds: 0 }, halfLater);
}

/**
 * Opens a run over what the load of a window has set aside; a replay that has failed is done again.
 * @throws Failure `run-unknown`, `run-not-ready`
 */
export async function requestReplay(
  ports: RequestPorts,
  worker: Worker,
  request: { pipeline: string; window: Window },
): Promise<RequestedRun> {
  const pipeline = await requirePipeline(ports.catalogue, request.pipeline);
  const of = scopeKey({ kind: 'window', ...request.window });
  const load = await ports.ledger.getRun({ pipeline: pipeline.name, scopeKey: of });
  if (load?.state !== 'reported')
    throw new Failure({
      code: load ? 'run-not-ready' : 'run-unknown',
      disposition: 'give-up',
      message: `the run of ${pipeline.name} about ${of} ${load ? `is ${load.state}` : 'does not exist'}; a replay follows a run that was reported`,
    });
  const configHash = await keepDefinition(ports.buckets.work, pipeline);
  for (let round = 1; ; round += 1) {
    const scope = { kind: 'replay' as const, loadId: load.loadId, round, of };
    const plan = planRun(pipeline, { configHash, scope, trigger: 'replay' });
    const found = await openRun(ports, plan, 'leave');
    if (found.kind === 'exists' && found.run.state === 'reported') continue;
    const isFailed = found.kind === 'exists' && found.run.state === 'failed';
    const opened = isFailed ? await openRun(ports, plan, howToRepeat(found.run)) : found;
    return begin(ports, worker, { opened, atOnce: true });
  }
}

/** What a replay has loaded it has taken out of quarantine: that is brought to its end, and not read again. */
const howToRepeat = ({ failedIn }: Run): ExistingRun => (failedIn === 'loaded' ? 'resume' : 'supersede');

export interface DryRun {
  readonly pipeline: string;
  readonly windows: readonly string[];
  /** Why the run would be held now. */
  readonly problems: readonly GateProblem[];
  /** Chunks of the first window; absent where the gate holds it. */
  readonly chunks?: number | undefined;
}

/** What a request would do now; opens nothing and writes nothing. */
export async function rehearseRuns(
  ports: RequestPorts,
  worker: Worker,
  request: RunRequest,
): Promise<DryRun> {
  const pipeline = await requirePipeline(ports.catalogue, request.pipeline);
  const now = ports.clock.now();
  const windows = windowsOf(pipeline, request, now);
  const { signal } = worker.deadline;
  const { problems, peers } = await ports.gate.check(pipeline, { now, signal });
  const result = { pipeline: pipeline.name, windows: windows.map(windowText), problems };
  const [first] = windows;
  if (problems.length > 0 || !first) return result;
  const source = await ports.ends.source(pipeline, peers);
  try {
    return { ...result, chunks: (await source.plan(first, signal)).length };
  } finally {
    await source.close();
  }
}

/** Everything that is wrong with a definition; it may run where no problem is an error. */
export function validateDefinition(definition: unknown): {
  readonly valid: boolean;
  readonly problems: readonly DefinitionProblem[];
} {
  const { pipeline, problems } = parsePipeline(definition);
  return { valid: pipeline !== undefined, problems };
}

const refused = (code: string, what: string) =>
  new Failure({ code, disposition: 'give-up', message: `the window ${what}` });

import { parseInventory } from '../shared/inventory/inventory-file.ts';
import { readInventory } from '../shared/inventory/sources/registry.ts';
import { asFailure, Failure } from '../shared/runtime/errors.ts';
import { listenForInterruption } from './interruption.ts';
import { type LocalOptions, parseOptions, usage } from './options.ts';
import { runSession, type SessionInputs } from './session.ts';

const done = 0;
const somethingFailed = 1;
const badInput = 2;
const interruptedStatus = 130;

/** The local command; answers the process's exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const inputs = await readInputs(args);
  if (typeof inputs === 'number') return inputs;
  const interruption = new AbortController();
  const stopListening = listenForInterruption(() => {
    // A second one is from somebody who will not wait.
    if (interruption.signal.aborted) process.exit(interruptedStatus);
    interruption.abort(new Failure(interruptedDetails));
  });
  try {
    const { failed, cutOff } = await runSession(inputs, interruption.signal);
    if (cutOff) return interruptedStatus;
    return failed > 0 ? somethingFailed : done;
  } catch (error) {
    if (interruption.signal.aborted) return interruptedStatus;
    const badDirectory = asFailure(error).code.startsWith('data-dir-');
    return complain(error, badDirectory ? badInput : somethingFailed);
  } finally {
    stopListening();
  }
}

/** Everything that can be wrong before anything is started; a number is the exit status. */
async function readInputs(args: readonly string[]): Promise<SessionInputs | number> {
  try {
    const options = parseOptions(args);
    if (options === 'help') {
      process.stdout.write(usage);
      return done;
    }
    const pipeline = options.etl ? await readPipelineText(options) : undefined;
    const inventory = await readInventory(options.domains, { signal: AbortSignal.timeout(30_000) });
    const verdict = parseInventory(inventory, { source: options.domains });
    if (verdict.ok) return { options, inventory, entries: verdict.certificates, pipelineText: pipeline };
    process.stderr.write(`${verdict.message}\n`);
    return badInput;
  } catch (error) {
    return complain(error, badInput);
  }
}

/** Loaded when it is wanted: contracts and filters bring engines of their own. */
async function readPipelineText({ pipeline, postgres }: LocalOptions): Promise<string> {
  const { readPipeline } = await import('./etl/pipeline-definition.ts');
  return (await readPipeline(pipeline, postgres)).text;
}

const interruptedDetails = {
  code: 'interrupted',
  disposition: 'retry',
  message: 'interrupted; what was begun goes on in the next pass over the same --data-dir',
} as const;

function complain(error: unknown, status: number): number {
  const failure = asFailure(error);
  process.stderr.write(`certfleet: ${failure.message}\n`);
  if (failure.disposition === 'bug' && failure.cause instanceof Error)
    process.stderr.write(`${failure.cause.stack}\n`);
  return status;
}

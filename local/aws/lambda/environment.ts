import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { FunctionPlan } from '../stack-plan.ts';
import {
  type FunctionError,
  type InvocationMessage,
  type RuntimeMessage,
  type RuntimeSettings,
  toFunctionError,
} from './messages.ts';

export type Outcome =
  | { readonly kind: 'returned'; readonly payload: string }
  | { readonly kind: 'failed'; readonly error: FunctionError };

/** The outcome, and the end of what was printed meanwhile. */
export type EnvironmentOutcome = Outcome & { readonly output: string };

export interface EnvironmentOptions {
  readonly plan: FunctionPlan;
  readonly bundlePath: string;
  readonly variables: () => Readonly<Record<string, string>>;
  readonly compileCacheDirectory?: string | undefined;
  /** Called with whatever the function prints. */
  readonly onOutput: (text: string) => void;
}

/** One execution environment: serves one invocation at a time, until it times out, crashes or is stopped. */
export interface ExecutionEnvironment {
  /** Settles when the bundle is loaded, with the error when it cannot be. */
  readonly loaded: Promise<FunctionError | undefined>;
  readonly isUsable: () => boolean;
  /** Never rejects: whatever happens to the environment is the invocation's outcome. */
  invoke(invocation: Omit<InvocationMessage, 'deadlineAt'>): Promise<EnvironmentOutcome>;
  /** What its thread holds of the heap now; 0 when it has ended. */
  usedMegabytes(): Promise<number>;
  stop(): Promise<void>;
}

const initTimeoutMillis = 10_000;
const outputKept = 4096;

/** Starts a worker thread with the function's own environment variables; nothing is shared with the host. */
export function startEnvironment(options: EnvironmentOptions): ExecutionEnvironment {
  const { plan } = options;
  const settings: RuntimeSettings = {
    bundlePath: options.bundlePath,
    handler: plan.handler,
    functionName: plan.name,
    functionArn: plan.arn,
    memoryMegabytes: plan.memoryMegabytes,
    compileCacheDirectory: options.compileCacheDirectory,
  };
  const worker = new Worker(new URL('./runtime.ts', import.meta.url), {
    workerData: settings,
    env: { ...options.variables() },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxOldGenerationSizeMb: plan.memoryMegabytes },
    stdout: true,
    stderr: true,
  });
  let output = '';
  const print = (text: string) => {
    output = (output + text).slice(-outputKept);
    options.onOutput(text);
  };
  worker.stdout.setEncoding('utf8').on('data', print);
  worker.stderr.setEncoding('utf8').on('data', print);

  let usable = true;
  let crash: unknown;
  let settleInvocation: ((outcome: Outcome) => void) | undefined;
  const load = Promise.withResolvers<FunctionError | undefined>();
  const end = (error: FunctionError) => {
    usable = false;
    load.resolve(error);
    settleInvocation?.({ kind: 'failed', error });
  };

  worker.on('message', (message: RuntimeMessage) => {
    if (message.kind === 'loaded') load.resolve(undefined);
    else if (message.kind === 'not-loaded') end(message.error);
    else settleInvocation?.(message);
  });
  worker.on('error', (error) => {
    crash = error;
  });
  worker.on('exit', async (code) => {
    usable = false;
    // What the thread printed last arrives after the news of its end.
    await setImmediate();
    end(describeExit(code, crash));
  });

  const initTimer = setTimeout(() => {
    end({
      errorType: 'Sandbox.Timedout',
      errorMessage: `Init timed out after ${initTimeoutMillis / 1000} seconds`,
    });
    void worker.terminate();
  }, initTimeoutMillis);
  void load.promise.then(() => clearTimeout(initTimer));

  function waitForOutcome(timeoutMillis: number, requestId: string): Promise<Outcome> {
    const outcome = Promise.withResolvers<Outcome>();
    const timer = setTimeout(() => {
      const errorMessage = `Task timed out after ${(timeoutMillis / 1000).toFixed(2)} seconds`;
      print(`${requestId} ${errorMessage}\n`);
      end({ errorType: 'Sandbox.Timedout', errorMessage: `RequestId: ${requestId} Error: ${errorMessage}` });
      void worker.terminate();
    }, timeoutMillis);
    settleInvocation = (settled) => {
      clearTimeout(timer);
      settleInvocation = undefined;
      outcome.resolve(settled);
    };
    return outcome.promise;
  }

  return {
    loaded: load.promise,
    isUsable: () => usable,
    async invoke(invocation) {
      const loadError = await load.promise;
      if (loadError) return { kind: 'failed', error: loadError, output };
      const timeoutMillis = plan.timeoutSeconds * 1000;
      const outcome = waitForOutcome(timeoutMillis, invocation.requestId);
      worker.postMessage({ ...invocation, deadlineAt: Date.now() + timeoutMillis });
      const settled = await outcome;
      const printed = output;
      output = '';
      return { ...settled, output: printed };
    },
    async usedMegabytes() {
      if (!usable) return 0;
      const { total_heap_size, external_memory } = await worker.getHeapStatistics();
      return Math.ceil((total_heap_size + external_memory) / 2 ** 20);
    },
    async stop() {
      usable = false;
      clearTimeout(initTimer);
      await worker.terminate();
    },
  };
}

function describeExit(code: number, crash: unknown): FunctionError {
  if (crash instanceof Error && 'code' in crash && crash.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return {
      errorType: 'Runtime.OutOfMemory',
      errorMessage: 'Error: Runtime exited with error: signal: killed',
    };
  }
  if (crash !== undefined) return toFunctionError(crash);
  const reason = code === 0 ? 'without providing a reason' : `with error: exit status ${code}`;
  return { errorType: 'Runtime.ExitError', errorMessage: `Error: Runtime exited ${reason}` };
}

import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { FunctionPlan } from '../stack-plan.ts';
import {
  type EnvironmentOptions,
  type ExecutionEnvironment,
  type Outcome,
  startEnvironment,
} from './environment.ts';
import { createEnvironmentPool } from './environment-pool.ts';

export interface Invocation {
  readonly payload: string;
  /** One per event: the retries of an asynchronous invocation share it. */
  readonly requestId?: string | undefined;
  /** JSON text. */
  readonly clientContext?: string | undefined;
}

export type InvocationResult = Outcome & {
  readonly requestId: string;
  /** The last 4 KiB of what this invocation logged, START, END and REPORT lines included. */
  readonly logTail: string;
};

export interface LambdaFunction {
  readonly plan: FunctionPlan;
  /** How many invocations may run at once. */
  readonly capacity: number;
  invoke(invocation: Invocation): Promise<InvocationResult>;
  stop(): Promise<void>;
}

export const synchronousLimitBytes = 6 * 1_048_576;
const logTailBytes = 4096;

/** A function with its environments. Its log goes to `onLog` as it is written. */
export function createFunction(options: {
  plan: FunctionPlan;
  capacity: number;
  environment: Omit<EnvironmentOptions, 'plan' | 'onOutput'>;
  onLog: (functionName: string, text: string) => void;
}): LambdaFunction {
  const { plan, capacity } = options;
  const onOutput = (text: string) => options.onLog(plan.name, text);
  const pool = createEnvironmentPool({
    capacity,
    start: () => startEnvironment({ ...options.environment, plan, onOutput }),
  });
  const served = new WeakSet<ExecutionEnvironment>();

  async function serve(environment: ExecutionEnvironment, invocation: Invocation): Promise<InvocationResult> {
    const requestId = invocation.requestId ?? randomUUID();
    const startedAt = performance.now();
    await environment.loaded;
    const loadedAt = performance.now();
    const initMillis = served.has(environment) ? undefined : loadedAt - startedAt;
    served.add(environment);
    const start = `START RequestId: ${requestId} Version: $LATEST\n`;
    onOutput(start);
    const { payload, clientContext } = invocation;
    const { output, ...outcome } = await environment.invoke({ requestId, payload, clientContext });
    const durationMillis = performance.now() - loadedAt;
    const usedMegabytes = await environment.usedMegabytes().catch(() => 0);
    const end = endOf({ requestId, plan, durationMillis, initMillis, usedMegabytes });
    onOutput(end);
    const logTail = Buffer.from(start + output + end)
      .subarray(-logTailBytes)
      .toString('utf8');
    return { ...limitSize(outcome), requestId, logTail };
  }

  return {
    plan,
    capacity,
    invoke: (invocation) => pool.run((environment) => serve(environment, invocation)),
    stop: () => pool.stop(),
  };
}

function endOf(report: {
  requestId: string;
  plan: FunctionPlan;
  durationMillis: number;
  initMillis: number | undefined;
  usedMegabytes: number;
}): string {
  const fields = [
    `REPORT RequestId: ${report.requestId}`,
    `Duration: ${report.durationMillis.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(report.durationMillis + (report.initMillis ?? 0))} ms`,
    `Memory Size: ${report.plan.memoryMegabytes} MB`,
    `Max Memory Used: ${report.usedMegabytes} MB`,
    ...(report.initMillis === undefined ? [] : [`Init Duration: ${report.initMillis.toFixed(2)} ms`]),
  ];
  return `END RequestId: ${report.requestId}\n${fields.join('\t')}\n`;
}

function limitSize(outcome: Outcome): Outcome {
  if (outcome.kind === 'failed') return outcome;
  const sizeBytes = Buffer.byteLength(outcome.payload);
  if (sizeBytes <= synchronousLimitBytes) return outcome;
  const errorMessage = `Response payload size (${sizeBytes} bytes) exceeded maximum allowed payload size (${synchronousLimitBytes} bytes).`;
  return { kind: 'failed', error: { errorType: 'Function.ResponseSizeTooLarge', errorMessage } };
}

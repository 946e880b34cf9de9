import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../../shared/runtime/clock.ts';
import { Failure } from '../../../shared/runtime/errors.ts';
import type { AsyncInvokePlan, FunctionPlan, StackPlan } from '../stack-plan.ts';
import { functionNameOf } from '../template-functions.ts';
import { type Deliver, runAsyncEvent } from './async-invoker.ts';
import { createFunction, type Invocation, type InvocationResult, type LambdaFunction } from './function.ts';

export interface LambdaOptions {
  readonly plan: Pick<StackPlan, 'functions' | 'eventSources' | 'asyncInvokes'>;
  /** The directory of the bundles, `<bundle>.cjs`. */
  readonly bundles: string;
  /** Asked when an environment starts. */
  readonly environmentOf: (plan: FunctionPlan) => Readonly<Record<string, string>>;
  readonly deliver: Deliver;
  readonly onLog?: ((functionName: string, text: string) => void) | undefined;
  /** Stands in for AWS's 60 and 120 seconds between the attempts of an asynchronous invocation. */
  readonly asyncRetryDelaysMillis?: readonly number[] | undefined;
  /** Upper bound of the environments per function; by default what this machine carries well. */
  readonly environmentsPerFunction?: number | undefined;
  readonly compileCacheDirectory?: string | undefined;
  readonly clock?: Clock | undefined;
}

/** The Lambda service. Functions are named by name, ARN or name in serverless.yml; an unknown one is a Failure `function-not-found`. */
export interface Lambda {
  find(nameOrArn: string): LambdaFunction;
  /** Waits for a free environment, then for the outcome; a failing function is an outcome, not a rejection. */
  invoke(nameOrArn: string, invocation: Invocation): Promise<InvocationResult>;
  /** Accepts the event and returns its request id; retries and the failure destination follow by themselves. */
  invokeAsync(nameOrArn: string, invocation: Invocation): string;
  /** Ends every environment at once; retries that wait are dropped. */
  stop(): Promise<void>;
}

export function startLambda(options: LambdaOptions): Lambda {
  const { plan, clock = systemClock } = options;
  const retryDelaysMillis = options.asyncRetryDelaysMillis ?? [1000, 2000];
  const functions = new Map(plan.functions.map((each) => [each.name, startFunction(each, options)]));
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();

  function find(nameOrArn: string): LambdaFunction {
    const name = functionNameOf(nameOrArn);
    const found = functions.get(name) ?? [...functions.values()].find(({ plan }) => plan.bundle === name);
    if (found) return found;
    throw new Failure({
      code: 'function-not-found',
      disposition: 'give-up',
      message: `Function not found: ${nameOrArn}; the template defines ${[...functions.keys()].join(', ')}`,
    });
  }

  return {
    find,
    invoke: async (nameOrArn, invocation) => await find(nameOrArn).invoke(invocation),
    invokeAsync(nameOrArn, invocation) {
      const target = find(nameOrArn);
      const requestId = invocation.requestId ?? randomUUID();
      const run = runAsyncEvent(
        { ...invocation, requestId },
        {
          target,
          plan: asyncPlanOf(target.plan.name, plan.asyncInvokes),
          retryDelaysMillis,
          deliver: options.deliver,
          clock,
          signal: stopping.signal,
        },
      ).catch((error: unknown) => {
        if (!stopping.signal.aborted) options.onLog?.(target.plan.name, `${requestId} ${String(error)}\n`);
      });
      running.add(run);
      void run.then(() => running.delete(run));
      return requestId;
    },
    async stop() {
      stopping.abort();
      await Promise.all([...functions.values()].map((each) => each.stop()));
      await Promise.all(running);
    },
  };
}

function startFunction(plan: FunctionPlan, options: LambdaOptions): LambdaFunction {
  const asked =
    plan.reservedConcurrency ??
    options.plan.eventSources.find(({ functionName }) => functionName === plan.name)?.maximumConcurrency ??
    4;
  const affordable = options.environmentsPerFunction ?? Math.max(2, 2 * availableParallelism());
  return createFunction({
    plan,
    capacity: Math.max(1, Math.min(asked, affordable)),
    environment: {
      bundlePath: join(options.bundles, `${plan.bundle}.cjs`),
      variables: () => options.environmentOf(plan),
      compileCacheDirectory: options.compileCacheDirectory,
    },
    onLog: (functionName, text) => options.onLog?.(functionName, text),
  });
}

const asyncPlanOf = (functionName: string, plans: readonly AsyncInvokePlan[]): AsyncInvokePlan =>
  plans.find((each) => each.functionName === functionName) ?? {
    functionName,
    retryAttempts: 2,
    maximumAgeSeconds: 21_600,
    onFailureArn: undefined,
  };

import { Failure } from '../../../shared/runtime/errors.ts';
import type { ExecutionEnvironment } from './environment.ts';

/** A function's execution environments: warm ones first, new ones up to the capacity, then callers wait. */
export interface EnvironmentPool {
  run<Result>(use: (environment: ExecutionEnvironment) => Promise<Result>): Promise<Result>;
  /** Ends every environment, busy ones too. */
  stop(): Promise<void>;
}

export function createEnvironmentPool(options: {
  capacity: number;
  start: () => ExecutionEnvironment;
}): EnvironmentPool {
  const all = new Set<ExecutionEnvironment>();
  const idle: ExecutionEnvironment[] = [];
  const waiting: PromiseWithResolvers<ExecutionEnvironment>[] = [];
  let stopped = false;

  function startOne(): ExecutionEnvironment {
    const environment = options.start();
    all.add(environment);
    return environment;
  }

  async function acquire(): Promise<ExecutionEnvironment> {
    if (stopped) throw stoppedFailure();
    for (let warm = idle.pop(); warm; warm = idle.pop()) {
      if (warm.isUsable()) return warm;
      all.delete(warm);
    }
    if (all.size < options.capacity) return startOne();
    const turn = Promise.withResolvers<ExecutionEnvironment>();
    waiting.push(turn);
    return await turn.promise;
  }

  function release(environment: ExecutionEnvironment): void {
    if (stopped) return;
    const next = waiting.shift();
    if (environment.isUsable()) {
      if (next) next.resolve(environment);
      else idle.push(environment);
      return;
    }
    all.delete(environment);
    // A worker that failed to load has not ended by itself.
    void environment.stop();
    next?.resolve(startOne());
  }

  return {
    async run(use) {
      const environment = await acquire();
      try {
        return await use(environment);
      } finally {
        release(environment);
      }
    },
    async stop() {
      stopped = true;
      for (const turn of waiting.splice(0)) turn.reject(stoppedFailure());
      await Promise.all([...all].map((environment) => environment.stop()));
    },
  };
}

const stoppedFailure = () =>
  new Failure({ code: 'lambda-stopped', disposition: 'retry', message: 'the embedded Lambda is stopping' });

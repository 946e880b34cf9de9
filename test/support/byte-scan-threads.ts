import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';

/** Which worker thread is whose: environments are started one by one, right after they were given their variables. */
export function trackThreads() {
  const expected: string[] = [];
  const threads: { functionName: string; worker: Worker }[] = [];
  const onWorker = (worker: Worker) => {
    const functionName = expected.shift();
    if (functionName !== undefined) threads.push({ functionName, worker });
  };
  process.on('worker', onWorker);
  return {
    expect: (functionName: string) => void expected.push(functionName),
    async kill(functionName: string): Promise<number> {
      const alive = threads.filter((each) => each.functionName === functionName && each.worker.threadId > 0);
      await Promise.all(alive.map(({ worker }) => Promise.all([once(worker, 'exit'), worker.terminate()])));
      return alive.length;
    },
    stop: () => void process.off('worker', onWorker),
  };
}

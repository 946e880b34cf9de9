import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { commandOf, type EtlContender } from './etl-contenders.ts';
import { childrenCpuMillis } from './measure.ts';

export interface Measure {
  readonly seconds: number;
  /** User and system time; undefined where there is no /proc. */
  readonly cpuSeconds: number | undefined;
  readonly maxRssBytes: number;
  readonly digest: string;
}

export const isThere = (program: string) => spawnSync('which', [program]).status === 0;
/** Without it the engine's own threads may use a second core. */
export const pins = isThere('taskset');

/** Runs a contender once, to its end. @throws Error when it does not end well */
export async function measure(contender: EtlContender, input: string, output: string): Promise<Measure> {
  const command = [commandOf(contender), ...contender.argsFor(input, output)];
  const [program = '', ...args] = pins ? ['taskset', '-c', '0', ...command] : command;
  const cpuBefore = childrenCpuMillis();
  const start = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const watch = watchMemory(child.pid ?? 0);
  const [status] = await once(child, 'close');
  const seconds = (performance.now() - start) / 1_000;
  const maxRssBytes = watch.end();
  const cpuAfter = childrenCpuMillis();
  const cpuSeconds =
    cpuBefore === undefined || cpuAfter === undefined ? undefined : (cpuAfter - cpuBefore) / 1_000;
  if (status !== 0) throw new Error(`${contender.name} ended with status ${status}`);
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(output)) digest.update(chunk);
  return { seconds, cpuSeconds, maxRssBytes, digest: digest.digest('hex') };
}

/** The peak the kernel keeps of a process, read while there is one (proc(5), VmHWM). */
function watchMemory(pid: number): { end(): number } {
  let peakBytes = 0;
  const read = () => {
    try {
      const [, kibibytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      peakBytes = Math.max(peakBytes, Number(kibibytes ?? 0) * 1_024);
    } catch {
      // It has just ended.
    }
  };
  const timer = setInterval(read, 20);
  return {
    end: () => {
      clearInterval(timer);
      return peakBytes;
    },
  };
}

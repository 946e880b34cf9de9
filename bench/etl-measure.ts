import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, readFileSync, rmSync } from 'node:fs';
import type { EtlContender } from './etl-contenders.ts';
import { pins } from './etl-programs.ts';
import { childrenCpuMillis } from './measure.ts';

export interface Measure {
  readonly seconds: number;
  /** User and system time; undefined where there is no /proc. */
  readonly cpuSeconds: number | undefined;
  readonly maxRssBytes: number;
  /** Of the output, where it is to be compared. */
  readonly digest: string | undefined;
}

/** Runs a contender once, to its end. @throws Error when it does not end well */
export async function measure(contender: EtlContender, input: string, output: string): Promise<Measure> {
  const command = [contender.program ?? '', ...contender.argsFor(input, output)];
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
  const digest = contender.comparable ? await digestOf(output) : undefined;
  rmSync(output, { recursive: true, force: true });
  return { seconds, cpuSeconds, maxRssBytes, digest };
}

async function digestOf(path: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(path)) digest.update(chunk);
  return digest.digest('hex');
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

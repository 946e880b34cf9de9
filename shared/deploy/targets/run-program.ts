import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Failure } from '../../runtime/errors.ts';

export type ProgramOutcome =
  | { readonly ended: 'ok' }
  | { readonly ended: 'failed' | 'killed'; readonly status: number | string; readonly output: string }
  | { readonly ended: 'not-started'; readonly reason: string };

export interface ProgramCall {
  readonly command: readonly string[];
  readonly timeoutMillis: number;
  /** The end of what the program printed that is kept, for a message. */
  readonly outputBytes: number;
  readonly signal: AbortSignal;
}

export type RunProgram = (call: ProgramCall) => Promise<ProgramOutcome>;

// The caller's environment may hold credentials, and a server's reload needs none of them.
const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C' };
const drainMillis = 250;

/**
 * Runs a program without a shell, with the standard PATH as its whole environment and no input. It is killed
 * when `timeoutMillis` have passed; what it prints is kept up to `outputBytes`, the rest is read and dropped.
 * @throws Failure `aborted` when the signal aborts, after killing the program
 */
export const runProgram: RunProgram = async ({ command, timeoutMillis, outputBytes, signal }) => {
  const [program = '', ...programArguments] = command;
  const child = spawn(program, programArguments, {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMillis,
    killSignal: 'SIGKILL',
    signal,
  });
  let output = Buffer.alloc(0);
  const keepTail = (chunk: Buffer) => {
    output = Buffer.concat([output, chunk]).subarray(-outputBytes);
  };
  child.stdout.on('data', keepTail);
  child.stderr.on('data', keepTail);
  try {
    const closed = once(child, 'close');
    closed.catch(() => undefined);
    const [status, killedBy] = (await once(child, 'exit')) as [number | null, string | null];
    // A daemon the program leaves behind keeps the pipe open: what was printed by now has to do.
    await Promise.race([closed, once(AbortSignal.timeout(drainMillis), 'abort')]);
    child.stdout.destroy();
    child.stderr.destroy();
    if (status === 0) return { ended: 'ok' };
    return killedBy === null
      ? { ended: 'failed', status: status ?? 'unknown', output: output.toString('utf8') }
      : { ended: 'killed', status: killedBy, output: output.toString('utf8') };
  } catch (error) {
    if (signal.aborted) throw aborted(program, signal);
    return { ended: 'not-started', reason: error instanceof Error ? error.message : String(error) };
  }
};

const aborted = (program: string, signal: AbortSignal): Failure =>
  new Failure({
    code: 'aborted',
    disposition: 'retry',
    message: `${program} was stopped before it ended; it runs again on the next attempt`,
    cause: signal.reason,
  });

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PassSummary } from '../../local/pass-summary.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly process: ChildProcess;
  /** Resolves when stderr has shown `text`. */
  seen(text: string | RegExp): Promise<void>;
  readonly ended: Promise<CommandResult>;
}

/** Starts the local command as `npm start` does. */
export function startCommand(args: readonly string[]): RunningCommand {
  const child = spawn(process.execPath, ['local/start.mjs', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return {
    process: child,
    async seen(text) {
      const shown = () => (typeof text === 'string' ? stderr.includes(text) : text.test(stderr));
      while (!shown()) {
        if (child.exitCode !== null) throw new Error(`ended without showing ${text}:\n${stderr}`);
        await Promise.race([once(child.stderr, 'data'), once(child, 'close')]);
      }
    },
    ended: once(child, 'close').then(([status]) => ({ status, stdout, stderr })),
  };
}

export const runCommand = (args: readonly string[]): Promise<CommandResult> => startCommand(args).ended;

/** The summary of a run with --json, whose stdout must hold nothing else. */
export const readSummary = ({ stdout }: CommandResult): PassSummary => JSON.parse(stdout);

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
  /** Resolves when stderr has shown `text`; rejects when the command ends without. */
  seen(text: string): Promise<void>;
  readonly ended: Promise<CommandResult>;
}

/** Starts the local command as `npm start` does. */
export const startCommand = (args: readonly string[]): RunningCommand =>
  startProcess(process.execPath, ['local/start.mjs', ...args]);

export const runCommand = (args: readonly string[]): Promise<CommandResult> => startCommand(args).ended;

/** Starts a program in the project's folder. */
export function startProcess(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): RunningCommand {
  const env = { ...process.env, ...environment };
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
    wake();
  });
  const ended = once(child, 'close').then(([status]) => {
    wake();
    return { status: status as number | null, stdout, stderr };
  });
  return {
    process: child,
    seen: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (stderr.includes(text)) resolve();
          else if (child.exitCode === null && child.signalCode === null) return;
          else reject(new Error(`ended without showing "${text}":\n${stderr}`));
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      }),
    ended,
  };
}

/** The summary of a run with --json, whose stdout must hold nothing else. */
export const readSummary = ({ stdout }: CommandResult): PassSummary => JSON.parse(stdout);

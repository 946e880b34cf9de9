import { type ChildProcess, execFile } from 'node:child_process';

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

const commandMillis = 120_000;

/** Runs a program to its end; a status but 0 is an error with the end of what it printed. */
export const runCommand = (
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> =>
  new Promise((resolve, reject) => {
    const options = {
      env: { ...process.env, ...env },
      timeout: commandMillis,
      killSignal: 'SIGKILL' as const,
    };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      running.delete(child);
      if (!error) return resolve();
      const said = `${stdout}${stderr}`.trim().split('\n').slice(-3).join(' | ');
      reject(new Error(`status ${error.code ?? error.signal}: ${said}`));
    });
    running.add(child);
  });

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../../../../shared/deploy/targets/run-program.ts';

const node = (script: string, changes: { timeoutMillis?: number; signal?: AbortSignal } = {}) =>
  runProgram({
    command: [process.execPath, '-e', script],
    timeoutMillis: 20_000,
    outputBytes: 16,
    signal: new AbortController().signal,
    ...changes,
  });

describe('running a program', () => {
  it('answers ok for status 0', async () => {
    expect(await node('')).toEqual({ ended: 'ok' });
  });

  it('keeps the end of a long output and the status of a failure', async () => {
    const script = `process.stdout.write('x'.repeat(1e6) + 'the end of it all', () => process.exit(3))`;
    expect(await node(script)).toEqual({ ended: 'failed', status: 3, output: 'he end of it all' });
  });

  it('hands over neither the environment nor an input', async () => {
    process.env.CERTFLEET_TEST_SECRET = 'secret';
    const script = `process.stdin.on('end', () => process.exit('CERTFLEET_TEST_SECRET' in process.env ? 1 : 0)).resume()`;
    expect(await node(script)).toEqual({ ended: 'ok' });
    delete process.env.CERTFLEET_TEST_SECRET;
  });

  it('stops a program that takes too long', async () => {
    const outcome = await node('setInterval(() => {}, 1000)', { timeoutMillis: 200 });
    expect(outcome).toMatchObject({ ended: 'killed', status: 'SIGKILL' });
  });

  it('stops the program when the caller gives up', async () => {
    const signal = AbortSignal.timeout(200);
    await expect(node('setInterval(() => {}, 1000)', { signal })).rejects.toMatchObject({ code: 'aborted' });
  });

  it('does not wait for a daemon the program left behind', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'certfleet-daemon-'));
    const pidFile = join(directory, 'pid');
    const script = `
      const { spawn } = require('node:child_process');
      const daemon = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'inherit', detached: true });
      require('node:fs').writeFileSync(${JSON.stringify(pidFile)}, String(daemon.pid));
      process.exit(0);`;
    expect(await node(script, { timeoutMillis: 10_000 })).toEqual({ ended: 'ok' });
    const daemon = Number(await readFile(pidFile, 'utf8'));
    expect(process.kill(daemon, 'SIGKILL')).toBe(true);
    await rm(directory, { recursive: true });
  });

  it('passes arguments as they are, without a shell', async () => {
    const call = { timeoutMillis: 20_000, outputBytes: 64, signal: new AbortController().signal };
    const script = 'console.log(process.argv[1]); process.exit(1)';
    const outcome = await runProgram({ ...call, command: [process.execPath, '-e', script, '$(id) ; "x"'] });
    expect(outcome).toMatchObject({ output: '$(id) ; "x"\n' });
  });
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Failure } from '../shared/runtime/errors.ts';

export interface DataDirectory {
  readonly path: string;
  /** Gives the directory back; one that was not asked for is removed with all it holds. */
  release(): void;
}

/**
 * The directory of one running stack: `requested`, locked against a second process, or a temporary one.
 * @throws Failure `data-dir-in-use`, `data-dir-unusable`
 */
export function openDataDirectory(requested: string | undefined): DataDirectory {
  if (requested === undefined) {
    const path = mkdtempSync(join(tmpdir(), 'certfleet-'));
    const release = () => rmSync(path, { recursive: true, force: true });
    // Once more at the very end, for what an interrupted start may have written meanwhile.
    process.once('exit', release);
    return { path, release };
  }
  const path = resolve(requested);
  const lock = join(path, 'lock');
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    takeLock(path, lock);
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure({
      code: 'data-dir-unusable',
      disposition: 'give-up',
      message: `--data-dir ${path} cannot be used (${(cause as Error).message}); name a directory this user may write`,
      cause,
    });
  }
  return { path, release: () => rmSync(lock, { force: true }) };
}

function takeLock(path: string, lock: string): void {
  const take = () => writeFileSync(lock, String(process.pid), { flag: 'wx', mode: 0o600 });
  try {
    take();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const owner = Number(readFileSync(lock, 'utf8'));
    if (isAlive(owner)) throw inUse(path, owner);
    // Its process was killed: what it left is what the next pass goes on from.
    rmSync(lock, { force: true });
    take();
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const inUse = (path: string, owner: number) =>
  new Failure({
    code: 'data-dir-in-use',
    disposition: 'give-up',
    message: `--data-dir ${path} is used by process ${owner}; stop it, or name another directory, or remove ${path}/lock if that process is none of certfleet's`,
  });

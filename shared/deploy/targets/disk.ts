import {
  type FileHandle,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { Failure } from '../../runtime/errors.ts';

/** What a file target asks of the file system; tests make it stop at any of these calls. */
export interface Disk {
  readText(path: string): Promise<string>;
  readLink(path: string): Promise<string>;
  list(directory: string): Promise<readonly string[]>;
  makeDirectory(path: string): Promise<void>;
  /**
   * Makes a new directory whose name starts with `prefix`, open to everybody's reading, and answers its path.
   */
  makeScratch(prefix: string): Promise<string>;
  /** Creates a file that does not exist yet; its content has reached the disk when this resolves. */
  createFile(path: string, text: string, mode: number): Promise<void>;
  /** Makes the directory's own entries survive a power cut. */
  syncDirectory(path: string): Promise<void>;
  link(target: string, path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole directory; nothing happens where there is none. */
  remove(path: string): Promise<void>;
}

export const nodeDisk: Disk = {
  readText: (path) => readFile(path, 'utf8'),
  readLink: (path) => readlink(path),
  list: (directory) => readdir(directory),
  makeDirectory: async (path) => {
    await mkdir(path, { recursive: true, mode: 0o755 });
  },
  makeScratch: async (prefix) => {
    const path = await mkdtemp(prefix);
    await withHandle(path, 'r', (handle) => handle.chmod(0o755));
    return path;
  },
  createFile: (path, text, mode) =>
    withHandle(path, { flags: 'wx', mode }, async (handle) => {
      await handle.chmod(mode);
      await handle.writeFile(text);
      await handle.sync();
    }),
  syncDirectory: (path) => withHandle(path, 'r', (handle) => handle.sync()),
  link: (target, path) => symlink(target, path),
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path, { recursive: true, force: true }),
};

async function withHandle(
  path: string,
  how: string | { flags: string; mode: number },
  use: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const handle = typeof how === 'string' ? await open(path, how) : await open(path, how.flags, how.mode);
  try {
    await use(handle);
  } finally {
    await handle.close();
  }
}

/** The answer of a read, or undefined where there is nothing to read. */
export const ifPresent = <T>(reading: Promise<T>): Promise<T | undefined> =>
  reading.catch((error: unknown) => {
    // EINVAL: readlink of something that is no link.
    if (['ENOENT', 'EINVAL'].includes(codeOf(error))) return undefined;
    throw error;
  });

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

const remedies: Readonly<Record<string, string>> = {
  EACCES: 'let the user who deploys write there',
  EPERM: 'let the user who deploys write there',
  EROFS: 'the file system is read-only; name another directory',
  ENOTDIR: 'a file stands where a directory is needed; move it',
  EISDIR: 'a directory stands where a file is needed; move it',
  ENAMETOOLONG: 'name a shorter directory',
  ENOSPC: 'make room on the file system',
};
const passing = [
  'ENOSPC',
  'EDQUOT',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOENT',
  'EEXIST',
  'ENOTEMPTY',
  'EBUSY',
  'EAGAIN',
];

/** A handler for `catch`: what the file system refused becomes the Failure `deploy-files-failed`. */
export const translateDiskError =
  (place: { readonly certificateName: string; readonly directory: string }) =>
  (error: unknown): never => {
    const code = codeOf(error);
    if (error instanceof Failure || code === '') throw error;
    throw new Failure({
      code: 'deploy-files-failed',
      disposition: passing.includes(code) ? 'retry' : 'give-up',
      message: `certificate ${place.certificateName}: writing to ${place.directory} failed (${code}); ${remedies[code] ?? 'check the directory'}`,
      cause: error,
    });
  };

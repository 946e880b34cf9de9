import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectVersion } from './object-version.ts';

/** Keeps the versions of one bucket with their bytes. */
export interface VersionShelf {
  /** What was kept when the shelf was opened. */
  readonly versions: readonly ObjectVersion[];
  /** Resolves once the version is on disk, whole. */
  write(version: ObjectVersion, bytes: Buffer): Promise<void>;
  read(version: ObjectVersion): Promise<Buffer>;
  remove(version: ObjectVersion): Promise<void>;
}

export function createMemoryShelf(): VersionShelf {
  const kept = new Map<number, Buffer>();
  return {
    versions: [],
    write: async ({ sequence }, bytes) => void kept.set(sequence, bytes),
    read: async ({ sequence }) => kept.get(sequence) ?? Buffer.alloc(0),
    remove: async ({ sequence }) => void kept.delete(sequence),
  };
}

const suffix = '.version';
/** The length of the description, 32 bits. */
const prefixBytes = 4;

/**
 * One file for a version: its description in JSON, and its bytes behind. Files are written beside their place,
 * flushed and moved there, so that a process killed at any instant leaves a version whole or not at all. Readable by
 * their owner only.
 */
export function openVersionShelf(directory: string): VersionShelf {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const pathOf = ({ sequence, key }: ObjectVersion) =>
    join(directory, `${sequence}-${createHash('sha256').update(key).digest('hex').slice(0, 16)}${suffix}`);
  return {
    versions: readVersions(directory),
    async write(version, bytes) {
      const path = pathOf(version);
      const draft = `${path}.new`;
      const description = Buffer.from(JSON.stringify(version));
      const prefix = Buffer.alloc(prefixBytes);
      prefix.writeUInt32BE(description.length);
      const file = await open(draft, 'w', 0o600);
      try {
        await file.writeFile(Buffer.concat([prefix, description]));
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
    },
    async read(version) {
      const file = await readFile(pathOf(version));
      return file.subarray(file.length - version.sizeBytes);
    },
    remove: (version) => rm(pathOf(version), { force: true }),
  };
}

/** What a killed process left unfinished was never answered, and goes. */
function readVersions(directory: string): ObjectVersion[] {
  const files = readdirSync(directory);
  for (const draft of files.filter((name) => name.endsWith('.new'))) rmSync(join(directory, draft));
  return files
    .filter((name) => name.endsWith(suffix))
    .map((name) => readDescription(join(directory, name)))
    .sort((one, other) => one.sequence - other.sequence);
}

function readDescription(path: string): ObjectVersion {
  const file = openSync(path, 'r');
  try {
    const prefix = Buffer.alloc(prefixBytes);
    readSync(file, prefix, 0, prefixBytes, 0);
    const description = Buffer.alloc(prefix.readUInt32BE());
    readSync(file, description, 0, description.length, prefixBytes);
    return JSON.parse(description.toString('utf8'));
  } finally {
    closeSync(file);
  }
}

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Secret } from './secret.ts';

/** Keeps secrets by name. Changes are made before a call returns, so no two operations interleave. */
export interface SecretShelf {
  get(name: string): Secret | undefined;
  put(secret: Secret): void;
  remove(name: string): void;
  all(): readonly Secret[];
  /** Resolves once every change made so far is on disk; only then may anybody hear of it. */
  settled(): Promise<void>;
}

/**
 * Secrets in memory, and in `directory` when given: one file each, readable by its owner only, replaced in
 * one move, so that a process killed at any instant leaves the old or the new content.
 */
export function openSecretShelf(directory: string | undefined): SecretShelf {
  const secrets = new Map<string, Secret>();
  if (directory) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const file of readdirSync(directory)) {
      if (!file.endsWith('.json')) continue;
      const secret: Secret = JSON.parse(readFileSync(join(directory, file), 'utf8'));
      secrets.set(secret.name, secret);
    }
  }
  const files = createFiles((name) => secrets.get(name), directory);
  return {
    get: (name) => secrets.get(name),
    all: () => [...secrets.values()],
    settled: files.settled,
    put(secret) {
      secrets.set(secret.name, secret);
      files.save(secret.name);
    },
    remove(name) {
      secrets.delete(name);
      files.save(name);
    },
  };
}

/** Brings files up to what `current` says, each by one writer at a time, flushing side by side. */
function createFiles(current: (name: string) => Secret | undefined, directory: string | undefined) {
  const writers = new Map<string, Promise<void>>();
  const write = async (path: string, secret: Secret | undefined) => {
    if (!secret) return rm(path, { force: true });
    const temporary = `${path}.${process.pid}.new`;
    await writeFile(temporary, JSON.stringify(secret), { mode: 0o600, flush: true });
    await rename(temporary, path);
  };
  return {
    save(name: string): void {
      if (!directory) return;
      const path = join(directory, `${createHash('sha256').update(name).digest('hex')}.json`);
      const before = writers.get(name) ?? Promise.resolve();
      // What the secret is when its turn comes: a change overtaken meanwhile need not be written.
      const writer = before.catch(() => undefined).then(() => write(path, current(name)));
      writers.set(name, writer);
      const done = () => {
        if (writers.get(name) === writer) writers.delete(name);
      };
      writer.then(done, done);
    },
    settled: async () => {
      await Promise.all(writers.values());
    },
  };
}

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Secret } from './secret.ts';

/** Keeps secrets by name. Calls finish before they return, so no two operations interleave. */
export interface SecretShelf {
  get(name: string): Secret | undefined;
  put(secret: Secret): void;
  remove(name: string): void;
  all(): readonly Secret[];
}

/**
 * Secrets in memory, and in `directory` when given: one file each, readable by its owner only, replaced in
 * one move, so that a process killed at any instant leaves the old or the new content.
 */
export function openSecretShelf(directory: string | undefined): SecretShelf {
  const secrets = new Map<string, Secret>();
  const pathOf = (name: string) =>
    directory && join(directory, `${createHash('sha256').update(name).digest('hex')}.json`);
  if (directory) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const file of readdirSync(directory)) {
      if (!file.endsWith('.json')) continue;
      const secret: Secret = JSON.parse(readFileSync(join(directory, file), 'utf8'));
      secrets.set(secret.name, secret);
    }
  }
  return {
    get: (name) => secrets.get(name),
    all: () => [...secrets.values()],
    put(secret) {
      const path = pathOf(secret.name);
      if (path) {
        const temporary = `${path}.${process.pid}.new`;
        writeFileSync(temporary, JSON.stringify(secret), { mode: 0o600, flush: true });
        renameSync(temporary, path);
      }
      secrets.set(secret.name, secret);
    },
    remove(name) {
      const path = pathOf(name);
      if (path) rmSync(path, { force: true });
      secrets.delete(name);
    },
  };
}

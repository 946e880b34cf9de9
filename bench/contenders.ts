import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** One of those that are measured beside each other. */
export interface Contender {
  readonly name: string;
  /** The file in peers/ that is run as a process. */
  readonly file: string;
  /** Needs the embedded AWS and its environment. */
  readonly durable: boolean;
  /** The outside program it runs: the name looked for on PATH, and the variable that names another. */
  readonly program?: { readonly name: string; readonly variable: string };
}

export const memory: Contender = { name: 'certfleet', file: 'certfleet-memory.ts', durable: false };
export const durable: Contender = { name: 'certfleet, durable', file: 'certfleet-durable.ts', durable: true };

/** What ratios are against. */
export const yardstick = 'acme-client';

export const peers: readonly Contender[] = [
  { name: yardstick, file: 'acme-client.ts', durable: false },
  { name: 'lego', file: 'lego.ts', durable: false, program: { name: 'lego', variable: 'LEGO' } },
  { name: 'certbot', file: 'certbot.ts', durable: false, program: { name: 'certbot', variable: 'CERTBOT' } },
];

/** Where a contender's program is; undefined when it is not on this machine. */
export function findProgram(
  { name, variable }: NonNullable<Contender['program']>,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const named = env[variable];
  if (named) return isExecutable(named) ? named : undefined;
  const directories = (env.PATH ?? '').split(delimiter).filter(Boolean);
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

import { readFileSync, statSync } from 'node:fs';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { Failure } from '../../shared/runtime/errors.ts';

/** 0: as it should be; 1: not so; 2: bad input. */
export type ExitStatus = 0 | 1 | 2;

/** What a command has to say. Texts end with a line break. */
export interface CommandResult {
  readonly status: ExitStatus;
  readonly stdout?: string | undefined;
  readonly stderr?: string | undefined;
}

/** Runs a command with this process's arguments, and leaves its status. */
export async function runCommand(run: (args: readonly string[]) => Promise<CommandResult>): Promise<void> {
  const { status, stdout = '', stderr = '' } = await run(process.argv.slice(2));
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = status;
}

/** @throws Failure `invalid-options` */
export function readFlags<Options extends ParseArgsOptionsConfig>(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], strict: true, allowPositionals: false, options }).values;
  } catch (error) {
    throw badInput((error as Error).message.split('\n')[0] ?? '');
  }
}

/** What people gave and cannot be used; the message says why. */
export const badInput = (message: string): Failure =>
  new Failure({ code: 'invalid-options', disposition: 'give-up', message });

/** A file's text, of at most `mostBytes`. @throws Failure `invalid-options` */
export function readTextFile(option: string, path: string, mostBytes: number): string {
  try {
    const { size } = statSync(path);
    if (size > mostBytes) throw new Error(`${path} has ${size} bytes; ${mostBytes} is the most`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw badInput(`${option}: ${(error as Error).message}`);
  }
}

/** The result of a command that could not do what it was asked. */
export function describeFailure(error: unknown): CommandResult {
  if (!(error instanceof Failure)) throw error;
  const { code, message } = error;
  if (code === 'invalid-options') return { status: 2, stderr: onScreen(`${message}\n`) };
  return { status: 1, stderr: onScreen(`${code}: ${message}\n`) };
}

/** Text as a terminal may be shown it: what others wrote must not move its cursor. JSON stays the same value. */
export const onScreen = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, (character) =>
    character === '\n' ? character : character.split('').map(escapeUnit).join(''),
  );

const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** All that is written to a command's standard input. @throws Failure `invalid-options` over `mostBytes` */
export async function readInput(input: AsyncIterable<Buffer>, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of input) {
    sizeBytes += chunk.length;
    if (sizeBytes > mostBytes) throw badInput(`stdin has more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

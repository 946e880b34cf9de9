import type { FileTarget } from '../../certificates/certificate.ts';
import { Failure } from '../../runtime/errors.ts';
import type { ProgramOutcome, RunProgram } from './run-program.ts';

const timeoutMillis = 30_000;
const outputBytes = 2048;
// What is kept of the output may begin or end inside a key.
const privateKey =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(-----END [A-Z ]*PRIVATE KEY-----)?|^[^-]*-----END [A-Z ]*PRIVATE KEY-----/g;

/**
 * An inventory may come from people who must not run programs where keys are read; which ones may run is the
 * operator's word.
 * @throws Failure `reload-not-allowed`
 */
export function refuseProgram(
  { reloadCommand }: FileTarget,
  certificateName: string,
  allowed: readonly string[] | undefined,
): void {
  const [program] = reloadCommand ?? [];
  if (program === undefined || allowed === undefined || allowed.includes(program)) return;
  throw new Failure({
    code: 'reload-not-allowed',
    disposition: 'give-up',
    message: `certificate ${certificateName}: reload_command may not start ${program}; list it in RELOAD_PROGRAMS, or take it out of the inventory`,
  });
}

/**
 * Runs the target's reload command, if it has one, for at most 30 s.
 * @throws Failure `reload-failed`; its message carries the end of what the program printed
 */
export async function reloadServer(call: {
  readonly target: FileTarget;
  readonly certificateName: string;
  readonly run: RunProgram;
  readonly signal: AbortSignal;
}): Promise<'done' | 'not-asked'> {
  const { reloadCommand: command } = call.target;
  if (command === undefined || command.length === 0) return 'not-asked';
  const outcome = await call.run({ command, timeoutMillis, outputBytes, signal: call.signal });
  if (outcome.ended === 'ok') return 'done';
  throw new Failure({
    code: 'reload-failed',
    // A program that is not there does not appear by itself; a server that was busy may answer next time.
    disposition: outcome.ended === 'not-started' ? 'give-up' : 'retry',
    message: `certificate ${call.certificateName}: the files are in place, but the reload command ${command[0]} ${describe(outcome)}`,
  });
}

function describe(outcome: Exclude<ProgramOutcome, { ended: 'ok' }>): string {
  switch (outcome.ended) {
    case 'not-started':
      return `could not be started (${outcome.reason}); give its full path, or install it`;
    case 'killed':
      return `was stopped by ${outcome.status} (it may take ${timeoutMillis / 1000} s)${printed(outcome.output)}`;
    case 'failed':
      return `ended with status ${outcome.status}${printed(outcome.output)}`;
  }
}

/** Private keys and control characters do not belong in a log, whoever printed them. */
function printed(output: string): string {
  const text = output
    .replace(privateKey, '[private key]')
    .replace(/\p{C}+/gu, ' ')
    .trim();
  return text === '' ? '; it printed nothing' : `; it printed: ${text}`;
}

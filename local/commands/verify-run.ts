import { z } from 'zod';
import type { AuditEvent } from '../../shared/audit/event.ts';
import type { SignedRunRecord } from '../../shared/audit/run-record.ts';
import { type TrustedKey, trustKey } from '../../shared/audit/signer.ts';
import { type RunProblem, verifyRun } from '../../shared/etl/run/verify-run.ts';
import { Failure } from '../../shared/runtime/errors.ts';
import {
  badInput,
  type CommandResult,
  describeFailure,
  onScreen,
  readFlags,
  readTextFile,
  runCommand,
} from './command.ts';

const usage = `Usage: npm run verify-run -- --record FILE --key PUBLIC.pem [--audit EVENTS.ndjson] [--json]

Checks a signed run record offline: its signature, its sums, its peers, the conservation law, and the audit chain.

  --record FILE   the record as it was stored, JSON
  --key FILE      a public key that is trusted, PEM; may be given several times
  --audit FILE    the pipeline's audit chain from its first event, one JSON event a line; repeats are passed over
  --json          one JSON verdict on stdout
  --help          this text

Status: 0 valid, 1 not valid, 2 bad input.
`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const mebibyte = 1_048_576;
const most = { recordBytes: 32 * mebibyte, keyBytes: mebibyte / 16, auditBytes: 256 * mebibyte };

/** @returns the verdict; never rejects for what it was given */
export async function verifyRunCommand(args: readonly string[]): Promise<CommandResult> {
  try {
    const flags = readFlags(args, {
      record: text,
      key: { ...text, multiple: true },
      audit: text,
      json: flag,
      help: { ...flag, short: 'h' },
    });
    if (flags.help) return { status: 0, stdout: usage };
    if (!flags.record || !flags.key) throw badInput(`--record and --key are needed\n\n${usage}`);
    const record = readRecord(flags.record);
    const trustedKeys = flags.key.map(readKey);
    const events = flags.audit === undefined ? undefined : readEvents(flags.audit);
    const problems = judge(record, { trustedKeys, events });
    const verdict = flags.json ? asJson(record, problems) : asText(record, { problems, events });
    return { status: problems.length === 0 ? 0 : 1, stdout: onScreen(verdict) };
  } catch (error) {
    return describeFailure(error);
  }
}

function readRecord(path: string): unknown {
  const json = readTextFile('--record', path, most.recordBytes);
  try {
    return JSON.parse(json);
  } catch {
    throw badInput(`--record: ${path} is no JSON`);
  }
}

function readKey(path: string): TrustedKey {
  try {
    return trustKey(readTextFile('--key', path, most.keyBytes));
  } catch (error) {
    if (error instanceof Failure && error.code === 'invalid-options') throw error;
    throw badInput(`--key: ${path} is no public key of Ed25519 or P-256 in PEM`);
  }
}

const auditEvent = z.looseObject({
  chain: z.string(),
  seq: z.number(),
  id: z.string(),
  kind: z.string(),
  at: z.string(),
  facts: z.record(z.string(), z.unknown()),
  prevHash: z.string(),
  hash: z.string(),
});

/** Sealed pieces of a chain may overlap, so an event that is told again is told once. */
function readEvents(path: string): AuditEvent[] {
  const lines = readTextFile('--audit', path, most.auditBytes).split('\n');
  const events = lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [auditEvent.parse(JSON.parse(line)) as unknown as AuditEvent];
    } catch {
      throw badInput(`--audit: line ${index + 1} of ${path} is no audit event`);
    }
  });
  const told = new Set<string>();
  return events.filter(({ seq, hash }) => told.size < told.add(`${seq} ${hash}`).size);
}

function judge(
  record: unknown,
  evidence: Parameters<typeof verifyRun>[1],
): readonly { readonly code: string; readonly message: string }[] {
  try {
    return verifyRun(record, evidence);
  } catch (error) {
    // What has no canonical form was never signed.
    if (error instanceof Failure && error.code === 'not-canonical') return [error];
    throw error;
  }
}

type Problems = readonly Pick<RunProblem | Failure, 'code' | 'message'>[];

const isMalformed = (problems: Problems): boolean => problems.some(({ code }) => code === 'record-malformed');

function asJson(candidate: unknown, problems: Problems): string {
  const { pipeline, runId, loadId, scope } = isMalformed(problems)
    ? ({} as Partial<SignedRunRecord['record']>)
    : (candidate as SignedRunRecord).record;
  const listed = problems.map(({ code, message }) => ({ code, message }));
  return `${JSON.stringify({ valid: problems.length === 0, pipeline, runId, loadId, scope, problems: listed })}\n`;
}

function asText(
  candidate: unknown,
  { problems, events }: { problems: Problems; events: readonly AuditEvent[] | undefined },
): string {
  const found = problems.map(({ code, message }) => `  ${code}: ${message}`);
  if (isMalformed(problems)) return `${['not valid', ...found].join('\n')}\n`;
  const { record, signature } = candidate as SignedRunRecord;
  const counts = Object.entries(record.counts).map(([name, count]) => `${name} ${count}`);
  const lines = [
    `${problems.length === 0 ? 'valid' : 'not valid'}: run ${record.runId} of pipeline ${record.pipeline}`,
    ...found,
    `  scope      ${record.scope}`,
    `  committed  ${record.committedAt}`,
    `  signed by  ${signature.keyId}`,
    `  records    ${counts.join(', ')}`,
    `  audit      ${events ? `${events.length} events` : 'not looked at; give --audit'}`,
  ];
  return `${lines.join('\n')}\n`;
}

if (import.meta.main) await runCommand(verifyRunCommand);

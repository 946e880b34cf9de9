import type { CertificatePolicy } from '../certificates/certificate.ts';
import { findEntryProblems, outlineEntry } from './entry-rules.ts';
import { entrySchema, type ParsedEntry } from './entry-schema.ts';
import { type CertificateIdentity, findDuplicates } from './fleet-rules.ts';
import { describeIssue, kindOf, problemsOf } from './issues.ts';
import { readJson } from './json-text.ts';
import { formatInventoryProblems, type InventoryProblem } from './problems.ts';

/** A certificate the inventory asks for. */
export interface InventoryEntry {
  readonly name: string;
  readonly policy: CertificatePolicy;
}

export type InventoryVerdict =
  | { readonly ok: true; readonly certificates: readonly InventoryEntry[] }
  | { readonly ok: false; readonly problems: readonly InventoryProblem[]; readonly message: string };

export const maximumInventoryBytes = 64 * 1024 * 1024;

export interface InventoryReading {
  /** What messages call the file. */
  readonly source: string;
  readonly maximumBytes?: number | undefined;
  /** Why a CA cannot be asked, for an id or a directory URL; absent: every well-formed one is accepted. */
  readonly findCaProblem?: ((ca: string) => string | undefined) | undefined;
}

/**
 * Reads an inventory: a JSON array of `{domain, sans?, challenge?, dns_plugin?, name?, key_type?,
 * renew_days_before?, ca?, profile?, preferred_chain?, split_failing_names?, endpoints?, deploy?}`. It is
 * accepted whole or refused with every problem it has; never throws.
 */
export function parseInventory(text: string, options: InventoryReading): InventoryVerdict {
  const limitBytes = options.maximumBytes ?? maximumInventoryBytes;
  const refuse = (problems: readonly InventoryProblem[]): InventoryVerdict => ({
    ok: false,
    problems,
    message: formatInventoryProblems(problems, options.source),
  });
  const bytes = Buffer.byteLength(text);
  if (bytes > limitBytes) {
    return refuse([{ path: '', message: `${bytes} bytes; an inventory has at most ${limitBytes}` }]);
  }
  const json = readJson(text);
  if (!json.ok) return refuse([json.problem]);
  if (!Array.isArray(json.value)) {
    return refuse([{ path: '', message: `must be an array of certificates, not ${kindOf(json.value)}` }]);
  }
  if (json.value.length === 0) return refuse([{ path: '', message: 'the list of certificates is empty' }]);

  const readings = json.value.map((raw: unknown, index) => readEntry(raw, `[${index}]`));
  const problems = [
    ...json.repeatedKeys,
    ...readings.flatMap((reading) => reading.problems),
    ...readings.flatMap(({ entry }, index) => findCaProblems(entry, `[${index}]`, options)),
    ...findDuplicates(readings.flatMap(({ identity }) => (identity ? [identity] : []))),
  ];
  return problems.length > 0
    ? refuse(problems)
    : { ok: true, certificates: readings.flatMap(({ entry }) => (entry ? [entry] : [])) };
}

interface EntryReading {
  readonly entry?: InventoryEntry;
  /** Set where the names are sound, even if another field is not. */
  readonly identity?: CertificateIdentity;
  readonly problems: readonly InventoryProblem[];
}

function readEntry(raw: unknown, place: string): EntryReading {
  const parsed = entrySchema.safeParse(raw, { error: describeIssue });
  const fieldProblems = parsed.success ? [] : problemsOf(parsed.error, place);
  if (!isRecord(raw)) return { problems: fieldProblems };
  const outline = outlineEntry(raw, place);
  const problems = [...fieldProblems, ...findEntryProblems(outline)];
  const domains = outline.names.map(({ domain }) => domain);
  const subject = domains[0];
  if (subject === undefined || outline.names.length < outline.writtenNames) return { problems };
  const name = typeof raw.name === 'string' ? raw.name : subject;
  const identity = { place, name, named: name === raw.name, domains };
  return parsed.success
    ? { entry: { name, policy: policyOf(parsed.data, domains) }, identity, problems }
    : { identity, problems };
}

function findCaProblems(
  entry: InventoryEntry | undefined,
  place: string,
  { findCaProblem }: InventoryReading,
): readonly InventoryProblem[] {
  const ca = entry?.policy.ca;
  const message = ca === undefined ? undefined : findCaProblem?.(ca);
  return message === undefined ? [] : [{ path: `${place}.ca`, message }];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const policyOf = (parsed: ParsedEntry, domains: readonly string[]): CertificatePolicy => ({
  domains,
  challenge: parsed.challenge ?? 'http-01',
  ...(parsed.dns_plugin === undefined ? {} : { dnsPlugin: parsed.dns_plugin }),
  keyType: parsed.key_type ?? 'ecdsa-p256',
  ...(parsed.renew_days_before === undefined ? {} : { renewDaysBefore: parsed.renew_days_before }),
  ...(parsed.ca === undefined ? {} : { ca: parsed.ca }),
  ...(parsed.profile === undefined ? {} : { profile: parsed.profile }),
  ...(parsed.preferred_chain === undefined ? {} : { preferredChain: parsed.preferred_chain }),
  ...(parsed.split_failing_names === undefined ? {} : { splitFailingNames: parsed.split_failing_names }),
  targets: (parsed.deploy ?? []).map(({ directory, reload_command }) => ({
    type: 'file',
    ...(directory === undefined ? {} : { directory }),
    ...(reload_command === undefined ? {} : { reloadCommand: reload_command }),
  })),
  endpoints: parsed.endpoints ?? [],
});

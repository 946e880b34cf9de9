import type { RunSummary } from './summary.ts';

const shownLineCharacters = 300;

/** `certfleet: 23 of 24 renewed, 1 failed`; ASCII, one line. */
export function formatTitle(summary: RunSummary): string {
  const { total, renewed, failed, skippedCount } = summary;
  if (failed.length > 0) return `certfleet: ${renewed.length} of ${total} renewed, ${failed.length} failed`;
  return skippedCount === total
    ? `certfleet: nothing due among ${total} certificates`
    : `certfleet: ${renewed.length} of ${total} renewed, none failed`;
}

/** The counts, in the order people ask for them. */
export const listTotals = (summary: RunSummary): readonly (readonly [label: string, value: string])[] => [
  ['Total', String(summary.total)],
  ['Renewed', String(summary.renewed.length)],
  ['Skipped', `${summary.skippedCount} (not due)`],
  ['Failed', String(summary.failed.length)],
  ['Deployed', countOf(summary.deployed, 'target')],
  ['Verified', countOf(summary.verified, 'endpoint')],
];

/** One line per failed certificate: name, reason, code. */
export const listFailures = (summary: RunSummary): readonly string[] =>
  summary.failed.map(({ name, code, error }) => oneLine(`${name}: ${error} (${code})`));

export const listWarnings = (summary: RunSummary): readonly string[] =>
  summary.warnings.map(({ name, message }) => oneLine(`${name}: ${message}`));

/** Run, duration and what comes next. */
export function formatFooter(summary: RunSummary): string {
  const next = summary.nextRunAt ? `next run ${formatInstant(summary.nextRunAt)}` : 'no next run is planned';
  return `run ${summary.runId} took ${formatDuration(summary.durationMillis)}; ${next}`;
}

/** The whole summary as plain text; of a longer list the first `shownLines` and how many more there are. */
export function formatSummaryText(summary: RunSummary, options: { readonly shownLines: number }): string {
  const section = (heading: string, lines: readonly string[]) =>
    lines.length === 0
      ? []
      : ['', heading, ...capLines(lines, options.shownLines).map((line) => `  ${line}`)];
  return [
    formatTitle(summary),
    '',
    ...listTotals(summary).map(([label, value]) => `  ${label.padEnd(9)} ${value}`),
    ...section('Failed', listFailures(summary)),
    ...section('Warnings', listWarnings(summary)),
    '',
    formatFooter(summary),
  ].join('\n');
}

/** At most `shown` lines, and a last one that says how many were left out. */
const capLines = (lines: readonly string[], shown: number): readonly string[] =>
  lines.length <= shown ? lines : [...lines.slice(0, shown), `and ${lines.length - shown} more`];

/** `820 ms`, `12.3 s`, `4 min 5 s`, `2 h 3 min`. */
export function formatDuration(millis: number): string {
  if (millis < 1000) return `${millis} ms`;
  if (millis < 60_000) return `${(Math.floor(millis / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(millis / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `2027-02-01 03:00 UTC`. */
export const formatInstant = (instant: Date): string =>
  `${instant.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

// Reasons quote servers: they must not break out of their line, or steer a terminal.
function oneLine(text: string): string {
  const plain = text.slice(0, 2 * shownLineCharacters).replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
  return plain.length <= shownLineCharacters ? plain : `${plain.slice(0, shownLineCharacters - 1)}…`;
}

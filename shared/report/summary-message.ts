import type { ReportMessage, Severity } from './message.ts';
import { countOf, formatDuration, formatInstant, oneLine } from './readable-text.ts';
import type { RunSummary } from './summary.ts';

/** Failures that the part for machines lists; the count is whole. */
const listedFailures = 50;

/** A run over the fleet as people are told of it. */
export function summaryMessage(summary: RunSummary): ReportMessage {
  const title = formatTitle(summary);
  const { total, renewed, skippedCount, failed, warnings } = summary;
  const counts = { total, renewed: renewed.length, skipped: skippedCount, failed: failed.length };
  return {
    runId: summary.runId,
    severity: severityOf(summary),
    subject: title,
    title,
    totals: listTotals(summary),
    sections: [
      { heading: 'Failed', lines: listFailures(summary) },
      { heading: 'Warnings', lines: listWarnings(summary) },
    ],
    footer: formatFooter(summary),
    json: {
      runId: summary.runId,
      startedAt: summary.startedAt,
      finishedAt: summary.finishedAt,
      durationMillis: summary.durationMillis,
      ...counts,
      deployed: summary.deployed,
      verified: summary.verified,
      warnings: warnings.length,
      failures: failed.slice(0, listedFailures).map(({ name, code }) => ({ name, code })),
      nextRunAt: summary.nextRunAt,
    },
    attributes: { result: failed.length > 0 ? 'failed' : 'succeeded', ...counts, warnings: warnings.length },
  };
}

function severityOf({ failed, warnings }: RunSummary): Severity {
  if (failed.length > 0) return 'failure';
  return warnings.length > 0 ? 'warning' : 'information';
}

/** `certfleet: 23 of 24 renewed, 1 failed`; ASCII, one line. */
function formatTitle({ total, renewed, failed, skippedCount }: RunSummary): string {
  if (failed.length > 0) return `certfleet: ${renewed.length} of ${total} renewed, ${failed.length} failed`;
  return skippedCount === total
    ? `certfleet: nothing due among ${total} certificates`
    : `certfleet: ${renewed.length} of ${total} renewed, none failed`;
}

/** The counts, in the order people ask for them. */
const listTotals = (summary: RunSummary): ReportMessage['totals'] => [
  ['Total', String(summary.total)],
  ['Renewed', String(summary.renewed.length)],
  ['Skipped', `${summary.skippedCount} (not due)`],
  ['Failed', String(summary.failed.length)],
  ['Deployed', countOf(summary.deployed, 'target')],
  ['Verified', countOf(summary.verified, 'endpoint')],
];

/** One line per failed certificate: name, reason, code. */
const listFailures = (summary: RunSummary): readonly string[] =>
  summary.failed.map(({ name, code, error }) => oneLine(`${name}: ${error} (${code})`));

const listWarnings = (summary: RunSummary): readonly string[] =>
  summary.warnings.map(({ name, message }) => oneLine(`${name}: ${message}`));

/** Run, duration and what comes next. */
function formatFooter(summary: RunSummary): string {
  const next = summary.nextRunAt ? `next run ${formatInstant(summary.nextRunAt)}` : 'no next run is planned';
  return `run ${summary.runId} took ${formatDuration(summary.durationMillis)}; ${next}`;
}

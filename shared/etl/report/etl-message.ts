import type { ReportMessage, Severity } from '../../report/message.ts';
import { countOf, formatDuration, oneLine } from '../../report/readable-text.ts';
import { type EtlReport, loadedOf } from './etl-report.ts';
import { listSections } from './etl-sections.ts';
import { etlSummary } from './etl-summary.ts';

/** Who hears of a pipeline, by mail address. */
export interface PipelinePeople {
  readonly owner: string;
  /** Hears when the data is ready, and of nothing else. */
  readonly analyst?: string | undefined;
}

/** A run as people are told of it; the analyst when the data is ready. */
export function etlMessage(report: EtlReport, { owner, analyst }: PipelinePeople): ReportMessage {
  const { runId, pipeline, status, books, errors } = report;
  const title = formatTitle(report);
  const isReady = status === 'succeeded';
  return {
    runId,
    reportId: reportIdOf(report),
    severity: severityOf(report),
    subject: title,
    title,
    totals: listTotals(report),
    sections: listSections(report),
    footer: formatFooter(report),
    json: { pipeline, ...etlSummary(report) },
    attributes: {
      result: status,
      pipeline,
      extracted: books.extracted,
      loaded: loadedOf(report),
      filtered: books.filtered,
      quarantined: books.quarantined,
      duplicates: books.duplicates,
      errors: errors.length,
    },
    recipients: isReady && analyst !== undefined && analyst !== owner ? [owner, analyst] : [owner],
  };
}

/** A run may fail again after it was resumed, and be held for something else: then there is news. */
function reportIdOf({ runId, status, errors, heldFor }: EtlReport): string {
  switch (status) {
    case 'succeeded':
      return `${runId}/succeeded`;
    case 'failed':
      return `${runId}/failed/${new Date(Math.max(0, ...errors.map(({ at }) => at.getTime()))).toISOString()}`;
    case 'held':
      return `${runId}/held/${[...new Set(heldFor.map(({ code }) => code))].sort().join('+')}`;
  }
}

function severityOf({ status, quality, drift, piiWarnings, connections }: EtlReport): Severity {
  if (status === 'failed') return 'failure';
  const drifted = Object.keys(drift.columns).length > 0 || drift.others > 0;
  const unverified = connections.some(({ verified }) => !verified);
  const isWarned = quality.findings.length > 0 || piiWarnings.length > 0 || drifted || unverified;
  return status === 'held' || isWarned ? 'warning' : 'information';
}

/** ASCII, one line. */
function formatTitle(report: EtlReport): string {
  const { pipeline, status, books, errors, heldFor, replayed } = report;
  const records = replayed ? 'replayed records' : 'records';
  switch (status) {
    case 'succeeded': {
      const setAside = books.quarantined > 0 ? `, ${books.quarantined} quarantined` : '';
      return `certfleet: ${pipeline} is ready: ${loadedOf(report)} of ${books.extracted} ${records} loaded${setAside}`;
    }
    case 'failed': {
      const { stage, code = 'unknown' } = errors[0] ?? {};
      return `certfleet: ${pipeline} failed${stage ? ` in ${stage}` : ''}: ${code}`;
    }
    case 'held': {
      const [first, ...others] = heldFor;
      const more = others.length > 0 ? ` and ${others.length} more` : '';
      return `certfleet: ${pipeline} is held: ${first?.code ?? 'certificates'}${more}`;
    }
  }
}

/** At most ten, as Slack shows them. */
function listTotals(report: EtlReport): ReportMessage['totals'] {
  const { books, errors, connections, quality, rawDeleted, durationMs } = report;
  const unverified = connections.filter(({ verified }) => !verified).length;
  const age = quality.metrics.find(({ metric }) => metric === 'freshness-seconds')?.value;
  return [
    ['Extracted', String(books.extracted)],
    ['Filtered', String(books.filtered)],
    ['Quarantined', String(books.quarantined)],
    ['Duplicates', String(books.duplicates)],
    ['Transformed', String(books.staged)],
    ['Loaded', String(loadedOf(report))],
    ['Errors', String(errors.length)],
    [
      'TLS',
      `${countOf(connections.length, 'peer')}, ${unverified === 0 ? 'all' : `${unverified} not`} verified`,
    ],
    ['Newest', age === undefined ? 'unknown' : `${formatDuration(Math.round(age * 1000))} old`],
    ['Took', `${formatDuration(durationMs)}; ${countOf(rawDeleted, 'raw object')} erased`],
  ];
}

function formatFooter({ runId, loadId, trigger, scope, configHash, contractVersion }: EtlReport): string {
  const configuration = `configuration ${configHash.slice(0, 12)}, contract ${contractVersion}`;
  return oneLine(`run ${runId} (${trigger}) of ${scope}; load ${loadId.slice(0, 12)}, ${configuration}`);
}

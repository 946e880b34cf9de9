import type { ReportSection } from '../../report/message.ts';
import { formatDuration, formatInstant, oneLine } from '../../report/readable-text.ts';
import type { EtlReport } from './etl-report.ts';

/** What a message tells beyond the totals, the most urgent first. */
export const listSections = (report: EtlReport): readonly ReportSection[] =>
  [
    { heading: 'Held for', lines: listProblems(report) },
    { heading: 'Failed', lines: listErrors(report) },
    { heading: 'Warnings', lines: listWarnings(report) },
    { heading: 'Quality', lines: listFigures(report) },
    { heading: 'Destinations', lines: listDestinations(report) },
    { heading: 'Connections', lines: listConnections(report) },
    { heading: 'Certificates', lines: listCertificates(report) },
  ].map(({ heading, lines }) => ({ heading, lines: lines.map((line) => oneLine(line)) }));

const listProblems = ({ heldFor }: EtlReport): readonly string[] =>
  heldFor.map(({ code, subject, message, renew }) => {
    const remedy = renew === undefined ? '' : `; renewal of ${renew} is asked for`;
    return `${subject}: ${message} (${code})${remedy}`;
  });

const listErrors = ({ errors }: EtlReport): readonly string[] =>
  errors.map(({ code, class: kind, at, stage, chunkId }) => {
    const place = [stage, chunkId && `chunk ${chunkId}`].filter(Boolean).join(', ');
    return `${code} (${kind})${place && ` in ${place}`}, ${formatInstant(at)}`;
  });

const listWarnings = (report: EtlReport): readonly string[] => [
  ...report.connections.filter(({ verified }) => !verified).map(({ host }) => `${host} was not verified`),
  ...report.quality.findings.map(
    ({ message, action }) => `${message}${action === 'fail' ? ' (fails the run)' : ''}`,
  ),
  ...listSurprises(report),
];

/** What the records held that the contract does not speak of. */
export function listSurprises({ piiWarnings, drift }: EtlReport): readonly string[] {
  const drifted = Object.entries(drift.columns).map(
    ([name, count]) => `column ${name} is not in the contract: ${count} records`,
  );
  return [
    ...piiWarnings.map(
      ({ column, kind, rows, sampled }) =>
        `column ${column} may hold undeclared PII: ${kind} in ${rows} of ${sampled} sampled records`,
    ),
    ...drifted,
    ...(drift.others > 0 ? [`other columns that are not in the contract: ${drift.others} times`] : []),
  ];
}

function listFigures({ quality, duplicatesFoundBy }: EtlReport): readonly string[] {
  const figure = (name: string) => quality.metrics.find(({ metric }) => metric === name)?.value;
  const age = figure('freshness-seconds');
  const violations = Object.entries(quality.violations).map(([code, count]) => `${code} ${count}`);
  const nullRates = quality.metrics.filter(({ metric, value }) => metric === 'null-rate' && value);
  if (quality.records === 0) return [];
  return [
    `duplicates ${formatShare(figure('duplicate-rate'))}, ${duplicateScope[duplicatesFoundBy]}`,
    `schema violations ${formatShare(figure('violation-rate'))}${violations.length > 0 ? `: ${violations.join(', ')}` : ''}`,
    `newest record ${age === undefined ? 'of unknown age' : `${formatDuration(Math.round(age * 1000))} old`}`,
    ...nullRates
      .toSorted((one, other) => (other.value ?? 0) - (one.value ?? 0))
      .map(({ column, value }) => `no ${column} in ${formatShare(value)}`),
  ];
}

const duplicateScope: Readonly<Record<EtlReport['duplicatesFoundBy'], string>> = {
  chunk: 'found within each chunk; across chunks the destination merges by key',
  none: 'not looked for; the destination merges by key',
};

const formatShare = (share: number | undefined): string =>
  share === undefined ? 'unknown' : `${Number((share * 100).toFixed(2))} %`;

const listDestinations = ({ destinations }: EtlReport): readonly string[] =>
  destinations.map(({ name, figures }) =>
    figures
      ? `${name}: ${figures.inserted} inserted, ${figures.updated} updated, ${figures.unchanged} unchanged`
      : `${name}: nothing loaded`,
  );

const listConnections = ({ connections }: EtlReport): readonly string[] =>
  connections.map(({ host, protocol, cipher, verified, expiresAt }) => {
    const expiry = expiresAt === undefined ? '' : `, expires ${formatInstant(new Date(expiresAt))}`;
    return `${host}: ${protocol}, ${cipher}, ${verified ? 'verified' : 'NOT verified'}${expiry}`;
  });

const listCertificates = ({ certificates }: EtlReport): readonly string[] =>
  certificates.map(({ subject, expiresAt, revocation }) => {
    const revoked = revocation === 'good' ? 'not revoked' : 'names no revocation list';
    return `${subject}: expires ${formatInstant(expiresAt)}, ${revoked}`;
  });

import type { RecordedConnection } from '../../audit/run-record.ts';
import { isReportableName, type SchemaDrift } from '../contract/drift.ts';
import type { PiiWarning } from '../contract/undeclared-pii.ts';
import type { CheckedCertificate, GateProblem } from '../gate/gate.ts';
import type { RecordedFailure } from '../ledger/run.ts';
import { asCode, asDigest, asHost, asTlsWord, asWords } from './plain-names.ts';

/** Every failure once. */
export const pickFailures = (failures: readonly RecordedFailure[]): readonly RecordedFailure[] =>
  distinct(
    failures.map(({ class: kind, code, at, stage, chunkId }) => ({
      class: kind,
      code: asCode(code),
      at,
      ...(stage && { stage }),
      ...(chunkId !== undefined && { chunkId: asWords(chunkId) }),
    })),
  );

/** Every connection once, by what it showed; by host. */
export const pickConnections = (connections: readonly RecordedConnection[]): readonly RecordedConnection[] =>
  distinct(
    connections.map(({ host, protocol, cipher, verified, fingerprint, expiresAt }) => ({
      host: asHost(host),
      protocol: asTlsWord(protocol),
      cipher: asTlsWord(cipher),
      verified,
      ...(asDigest(fingerprint) && { fingerprint: asDigest(fingerprint) }),
      ...(asInstant(expiresAt) && { expiresAt: asInstant(expiresAt) }),
    })),
  ).toSorted((one, other) => (one.host < other.host ? -1 : Number(one.host > other.host)));

const asInstant = (text: string | undefined): string | undefined => {
  const millis = Date.parse(text ?? '');
  return Number.isNaN(millis) ? undefined : new Date(millis).toISOString();
};

export const pickCertificates = (
  certificates: readonly CheckedCertificate[],
): readonly CheckedCertificate[] =>
  certificates.map(({ subject, fingerprint, expiresAt, revocation }) => ({
    subject: asWords(subject),
    fingerprint: asDigest(fingerprint) ?? '',
    expiresAt,
    revocation,
  }));

/** The gate speaks before anything is read, so its words can hold no record. */
export const pickProblems = (problems: readonly GateProblem[]): readonly GateProblem[] =>
  problems.map(({ code, subject, message, renew }) => ({
    code: asCode(code),
    subject: asWords(subject),
    message: asWords(message),
    ...(renew !== undefined && { renew: asWords(renew) }),
  }));

export const pickPiiWarnings = (warnings: readonly PiiWarning[]): readonly PiiWarning[] =>
  warnings.map(({ column, kind, rows, sampled }) => ({ column: asWords(column), kind, rows, sampled }));

/** Names of columns that nobody declared come from the records; only those of a programmer's form are shown. */
export function pickDrift({ columns, others }: SchemaDrift): SchemaDrift {
  const named = Object.entries(columns);
  const hidden = named.filter(([name]) => !isReportableName(name));
  return {
    columns: Object.fromEntries(named.filter(([name]) => isReportableName(name))),
    others: hidden.reduce((sum, [, count]) => sum + count, others),
  };
}

const distinct = <T>(all: readonly T[]): readonly T[] => [
  ...new Map(all.map((each) => [JSON.stringify(each), each])).values(),
];

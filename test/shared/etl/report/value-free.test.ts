import { describe, expect, it } from 'vitest';
import type { Row } from '../../../../shared/etl/record.ts';
import type { EtlFacts } from '../../../../shared/etl/report/build-etl-report.ts';
import { etlMessage } from '../../../../shared/etl/report/etl-message.ts';
import { etlMetrics } from '../../../../shared/etl/report/etl-metrics.ts';
import type { EtlReport } from '../../../../shared/etl/report/etl-report.ts';
import { etlSummary } from '../../../../shared/etl/report/etl-summary.ts';
import { openLineageEvent } from '../../../../shared/etl/report/open-lineage.ts';
import { formatMessageText } from '../../../../shared/report/message-text.ts';
import { noon } from '../ledger/builders.ts';
import { aLoadedRun, aReport, someFacts } from './a-report.ts';

/** Text, numbers, flags and instants, and lists and objects of them: nowhere a place for a cell, nor for anything. */
type IsPlain<T> = unknown extends T
  ? false
  : null extends T
    ? false
    : T extends string | number | boolean | Date | undefined
      ? true
      : T extends readonly (infer Element)[]
        ? IsPlain<Element>
        : T extends object
          ? { [Name in keyof T]-?: IsPlain<T[Name]> }[keyof T]
          : false;
type AllTrue<T> = [T] extends [true] ? true : false;

const canary = 'Canary 4711 <canary@secret.example>';
/** What is known, and beside every part of it what should not be there. */
const taint = <T extends object>(part: T): T => ({
  ...part,
  row: { email: canary },
  message: canary,
  detail: canary,
});

const taintedFacts = (): EtlFacts => {
  const facts = someFacts();
  const failure = { class: 'terminal', code: canary, at: noon, stage: 'load' } as const;
  const run = aLoadedRun({ state: 'failed', failure: taint(failure) });
  return taint({
    ...facts,
    run: taint({
      ...run,
      books: taint(run.books ?? {}) as typeof run.books,
      quality: taint({
        ...(run.quality ?? { records: 0, violating: 0 }),
        nulls: { [canary]: 1, email: 2 },
        violations: { [canary]: 3 },
      }),
    }),
    failures: [taint({ ...failure, code: 'copy-refused' })],
    drift: taint({ columns: { [canary]: 5 }, others: 1 }),
    piiWarnings: [taint({ column: 'country', kind: 'email' as const, rows: 1, sampled: 2 })],
    connections: [
      taint({
        host: canary,
        protocol: canary,
        cipher: canary,
        verified: true,
        fingerprint: canary,
        expiresAt: canary,
      }),
    ],
    certificates: (facts.certificates ?? []).map((each) => taint({ ...each, fingerprint: canary })),
    destinations: (facts.destinations ?? []).map(taint),
  });
};

describe('a report', () => {
  it('has no place for a cell, by its type', () => {
    const proven: AllTrue<IsPlain<EtlReport>> = true;
    const refuted: AllTrue<IsPlain<EtlReport & { readonly sample: Row }>> = false;
    const refutedToo: AllTrue<IsPlain<EtlReport & { readonly sample: unknown }>> = false;
    expect([proven, refuted, refutedToo]).toEqual([true, false, false]);
  });

  it('takes over nothing but what it knows by name and form', () => {
    const report = aReport(taintedFacts());
    const message = etlMessage(report, { owner: 'owner@example.com' });
    const told = [
      report,
      message,
      formatMessageText(message, { shownLines: 1000 }),
      etlSummary(report),
      etlMetrics(report),
      openLineageEvent(report, 'https://example.com/certfleet'),
    ].map((each) => JSON.stringify(each));
    for (const text of told) expect(text).not.toMatch(/canary|4711/i);
    expect(report.errors.map(({ code }) => code)).toEqual(['unreadable', 'copy-refused']);
    expect(report.drift).toEqual({ columns: {}, others: 6 });
    expect(report.quality).toMatchObject({ nulls: { email: 2 }, violations: { unreadable: 3 } });
    expect(report.connections).toEqual([
      { host: 'unreadable', protocol: 'unreadable', cipher: 'unreadable', verified: true },
    ]);
  });
});

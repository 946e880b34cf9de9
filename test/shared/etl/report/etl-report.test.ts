import { describe, expect, it } from 'vitest';
import { emptyBooks } from '../../../../shared/etl/books/books.ts';
import { etlMetrics } from '../../../../shared/etl/report/etl-metrics.ts';
import { etlSummary } from '../../../../shared/etl/report/etl-summary.ts';
import { noon, secondsLater } from '../ledger/builders.ts';
import { aDedupingPipeline, aFailedReport, aHeldReport, aLoadedRun, aReport } from './a-report.ts';

describe('the report of a run', () => {
  it('holds its books, its errors and how its quality was judged', () => {
    const report = aReport();
    expect(report).toMatchObject({
      pipeline: 'orders',
      status: 'succeeded',
      scope: '2026-11-21 11:00 UTC to 2026-11-21 12:00 UTC',
      trigger: 'schedule',
      durationMs: 12_340,
      books: { extracted: 100, staged: 90, inserted: 70, updated: 15, unchanged: 5 },
      errors: [],
      duplicatesFoundBy: 'chunk',
      rawDeleted: 7,
      quality: { records: 100, nulls: { email: 2, age: 25 } },
    });
    expect(report.quality.metrics).toContainEqual({ metric: 'null-rate', column: 'age', value: 0.25 });
    expect(report.quality.metrics).toContainEqual({ metric: 'freshness-seconds', value: 90 });
    expect(report.quality.findings).toEqual([]);
  });

  it('judges quality as the definition says, and only warns in a replay', () => {
    const pipeline = aDedupingPipeline({ quality: { nullRate: { age: { fail: 0.2 } } } });
    const actions = (run = aLoadedRun()) =>
      aReport({ pipeline, run }).quality.findings.map(({ action, message }) => `${action}: ${message}`);
    expect(actions()).toEqual(['fail: null-rate of age is 0.25, above 0.2']);
    const replay = aLoadedRun({
      scope: { kind: 'replay', loadId: 'ab'.repeat(32), round: 2, of: 'window/x' },
    });
    expect(actions(replay)).toEqual(['warn: null-rate of age is 0.25, above 0.2']);
    expect(aReport({ run: replay })).toMatchObject({ replayed: { loadId: 'ab'.repeat(32), round: 2 } });
  });

  it('holds every failure once, and none that a resumed run has got over', () => {
    const failure = { class: 'transient', code: 'source-unavailable', at: noon, stage: 'extract' } as const;
    const failed = aLoadedRun({ state: 'failed', failure });
    expect(aReport({ run: failed, failures: [failure] }).errors).toEqual([failure]);
    expect(aReport({ run: aLoadedRun({ failure }) }).errors).toEqual([]);
  });

  it('holds every connection once, by host', () => {
    const to = (host: string) => ({ host, protocol: 'TLSv1.3', cipher: 'X', verified: true });
    const { connections } = aReport({ connections: [to('b.example'), to('a.example'), to('b.example')] });
    expect(connections.map(({ host }) => host)).toEqual(['a.example', 'b.example']);
  });

  it('is not made of a run on its way', () => {
    expect(() => aReport({ run: aLoadedRun({ state: 'loading' }) })).toThrow(
      expect.objectContaining({ code: 'run-not-over', disposition: 'bug' }),
    );
  });

  it('is whole where a run was held before it read anything', () => {
    expect(aHeldReport()).toMatchObject({
      status: 'held',
      books: emptyBooks,
      heldFor: [{ code: 'certificate-expires-soon', renew: 'etl-orders.example.com' }],
      destinations: [{ name: 's3 people' }],
      rawDeleted: 0,
    });
  });
});

describe('the summary of a run', () => {
  it('says what became of the records, in the words of the issue', () => {
    const { runId } = aReport();
    expect(etlSummary(aReport())).toEqual({
      runId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      status: 'succeeded',
      extracted: 100,
      transformed: 90,
      loaded: 90,
      filtered: 4,
      quarantined: 3,
      duplicates: 3,
      errors: 0,
      durationMs: 12_340,
      quality: {
        nullRate: { age: 0.25, email: 0.02 },
        duplicateRate: 0.03,
        schemaViolationRate: 0.03,
        freshnessSeconds: 90,
        findings: [],
      },
      connections: [
        {
          host: 'api.shop.example.com',
          protocol: 'TLSv1.3',
          cipher: 'TLS_AES_256_GCM_SHA384',
          verified: true,
        },
      ],
    });
    expect(runId).not.toBe('');
  });

  it('has null for what could not be measured', () => {
    expect(etlSummary(aHeldReport())).toMatchObject({
      status: 'held',
      loaded: 0,
      quality: { nullRate: {}, duplicateRate: null, schemaViolationRate: null, freshnessSeconds: null },
    });
  });

  it('counts errors', () => {
    expect(etlSummary(aFailedReport())).toMatchObject({ status: 'failed', errors: 1 });
  });
});

describe('the metrics of a run', () => {
  const figuresOf = (report = aReport()) =>
    Object.fromEntries(etlMetrics(report).metrics.map(({ name, value, unit }) => [name, [value, unit]]));

  it('are counts, rates in percent and the age of the newest record, by pipeline', () => {
    expect(etlMetrics(aReport()).dimensions).toEqual({ pipeline: 'orders' });
    expect(figuresOf()).toMatchObject({
      EtlRunsSucceeded: [1, 'Count'],
      EtlRunsFailed: [0, 'Count'],
      EtlDuration: [12_340, 'Milliseconds'],
      EtlRecordsExtracted: [100, 'Count'],
      EtlRecordsLoaded: [90, 'Count'],
      EtlDuplicateRate: [3, 'Percent'],
      EtlFreshness: [90, 'Seconds'],
      EtlUnverifiedConnections: [0, 'Count'],
      EtlRawVersionsErased: [7, 'Count'],
    });
  });

  it('leave out a rate of nothing, and count failed and held runs', () => {
    const held = figuresOf(aHeldReport());
    expect(held).toMatchObject({ EtlRunsHeld: [1, 'Count'], EtlRunsSucceeded: [0, 'Count'] });
    expect(held).not.toHaveProperty('EtlDuplicateRate');
    expect(held).not.toHaveProperty('EtlFreshness');
    expect(figuresOf(aFailedReport())).toMatchObject({
      EtlRunsFailed: [1, 'Count'],
      EtlErrors: [1, 'Count'],
    });
  });

  it('are finite numbers, fewer than CloudWatch takes at once', () => {
    const all = [aReport(), aHeldReport(), aFailedReport(secondsLater(1))].flatMap(
      (each) => etlMetrics(each).metrics,
    );
    expect(all.every(({ value }) => Number.isFinite(value) && value >= 0)).toBe(true);
    expect(etlMetrics(aReport()).metrics.length).toBeLessThan(100);
  });
});

import { describe, expect, it } from 'vitest';
import { etlSummary } from '../../../../shared/etl/report/etl-summary.ts';
import { secondsLater } from '../ledger/builders.ts';
import { aDedupingPipeline, aFailedReport, aHeldReport, aLoadedRun, aReport } from './a-report.ts';

const findingsOf = (report = aReport()) => etlSummary(report).quality.findings;

describe('the findings of a summary', () => {
  it('say what a run is held for', () => {
    expect(findingsOf(aHeldReport())).toEqual([
      {
        action: 'fail',
        message: 'certificate-expires-soon: client etl-orders.example.com: has 3 days left, and 7 are wanted',
      },
    ]);
  });

  it('say where a run failed', () => {
    const at = secondsLater(5);
    const failure = { class: 'terminal', code: 'target-refused', at, stage: 'load' } as const;
    const run = aLoadedRun({ state: 'failed', failure: { ...failure, chunkId: '00000-ab' } });
    expect(findingsOf(aReport({ run }))).toEqual([
      { action: 'fail', message: 'target-refused: in load, chunk 00000-ab' },
    ]);
  });

  it('have the limit that was crossed in place of the code that says one was', () => {
    expect(findingsOf(aFailedReport())).toEqual([
      { action: 'fail', message: 'quality-below-threshold: in transform' },
    ]);
    const pipeline = aDedupingPipeline({ quality: { nullRate: { age: { fail: 0.2 } } } });
    const failure = { class: 'terminal', code: 'quality-below-threshold', at: secondsLater(5) } as const;
    const findings = findingsOf(aReport({ pipeline, run: aLoadedRun({ state: 'failed', failure }) }));
    expect(findings).toEqual([{ action: 'fail', message: expect.stringContaining('age') }]);
  });

  it('warn of columns that nobody declared', () => {
    const drift = { columns: { coupon: 770 }, others: 2 };
    const piiWarnings = [{ column: 'note', kind: 'email' as const, rows: 3, sampled: 100 }];
    expect(findingsOf(aReport({ drift, piiWarnings }))).toEqual([
      { action: 'warn', message: 'column note may hold undeclared PII: email in 3 of 100 sampled records' },
      { action: 'warn', message: 'column coupon is not in the contract: 770 records' },
      { action: 'warn', message: 'other columns that are not in the contract: 2 times' },
    ]);
  });
});

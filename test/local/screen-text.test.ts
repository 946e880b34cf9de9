import { describe, expect, it } from 'vitest';
import type { PassSummary } from '../../local/pass-summary.ts';
import { describePass } from '../../local/screen-text.ts';
import { type EtlSummary, etlSummary } from '../../shared/etl/report/etl-summary.ts';
import { aReport } from '../shared/etl/report/a-report.ts';

const aSummary = (changes: Partial<PassSummary> = {}): PassSummary => ({
  runId: 'r',
  certificates: { total: 1, renewed: ['a'], skipped: [], failed: [] },
  deployed: 1,
  verified: 1,
  etl: null,
  durationMs: 1_500,
  ...changes,
});
const shownOf = (summary: PassSummary, pipeline?: string): readonly string[] =>
  describePass({ summary, pipeline, newOrders: 1, slackPosts: [] }).trimEnd().split('\n');

describe('the last lines of a pass', () => {
  it('count in words', () => {
    expect(shownOf(aSummary())).toEqual([
      '✔ 1 certificate in 1.5 s (run r)',
      '  renewed 1, skipped 0, failed 0; deployed 1, verified 1',
      '  the embedded CA took 1 new order',
    ]);
    const { certificates } = aSummary();
    const three = aSummary({ certificates: { ...certificates, total: 3 } });
    expect(shownOf(three)[0]).toMatch(/^✔ 3 certificates in/);
  });

  it('say what became of the pipeline, with its warnings', () => {
    const etl = etlSummary(aReport({ drift: { columns: { coupon: 770 }, others: 0 } }));
    const lines = shownOf(aSummary({ etl }), 'orders');
    expect(lines[0]).toMatch(/^✔ 1 certificate and pipeline orders in/);
    expect(lines.slice(-3)).toEqual([
      '  pipeline orders succeeded: 100 extracted, 90 loaded, 4 filtered, 3 in quarantine, 3 duplicates',
      '    TLS: api.shop.example.com TLSv1.3',
      '    warn: column coupon is not in the contract: 770 records',
    ]);
  });

  it('are ticked only when nothing failed, the pipeline included', () => {
    const etl: EtlSummary = { ...etlSummary(aReport()), status: 'held' };
    expect(shownOf(aSummary({ etl }), 'orders')[0]).toMatch(/^✘ /);
    const cutOff = shownOf(aSummary(), 'orders');
    expect(cutOff[0]).toMatch(/^✘ /);
    expect(cutOff).toContain('  pipeline orders: no result');
  });

  it('let no reason steer the terminal', () => {
    const summary = etlSummary(aReport());
    const findings = [{ action: 'fail' as const, message: 'a\x1b[2Jb\nc' }];
    const etl = { ...summary, quality: { ...summary.quality, findings } };
    expect(shownOf(aSummary({ etl }), 'orders').at(-1)).toBe('    fail: a [2Jb c');
  });
});

import type { ReportMessage } from '../../../shared/report/message.ts';
import type { RunSummary } from '../../../shared/report/summary.ts';
import { summaryMessage } from '../../../shared/report/summary-message.ts';

/** Three of five renewed, one failed; override what a test is about. */
export const aSummary = (overrides: Partial<RunSummary> = {}): RunSummary => ({
  runId: 'run-1',
  startedAt: new Date('2027-01-01T03:00:00Z'),
  finishedAt: new Date('2027-01-01T03:00:12.340Z'),
  durationMillis: 12_340,
  total: 5,
  renewed: ['a.example.com', 'b.example.com', 'c.example.com'],
  skippedCount: 1,
  failed: [{ name: 'd.example.com', code: 'ca-unreachable', error: 'the CA gave no answer' }],
  deployed: 3,
  verified: 1,
  warnings: [{ name: 'a.example.com', message: 'served without its intermediate' }],
  nextRunAt: new Date('2027-01-02T03:00:00Z'),
  ...overrides,
});

/** The same as people are told of it. */
export const aMessage = (overrides: Partial<RunSummary> = {}): ReportMessage =>
  summaryMessage(aSummary(overrides));

/** As many failures as wanted, each with a reason of the length wanted. */
export const failures = (count: number, reason: string): RunSummary['failed'] =>
  Array.from({ length: count }, (_, index) => ({
    name: `n${index}.example.com`,
    code: 'ca-unreachable',
    error: reason,
  }));

import { describe, expect, test } from 'vitest';
import { formatMessageText } from '../../../shared/report/message-text.ts';
import type { CertificateOutcome } from '../../../shared/report/outcome.ts';
import { formatDuration } from '../../../shared/report/readable-text.ts';
import { buildRunSummary, type RunFacts } from '../../../shared/report/summary.ts';
import { aMessage, failures } from './a-summary.ts';

const anOutcome = (overrides: Partial<CertificateOutcome> = {}): CertificateOutcome => ({
  runId: 'run-1',
  certificateName: 'a.example.com',
  generation: 1,
  result: 'renewed',
  at: new Date('2027-01-01T03:00:05Z'),
  deployed: 1,
  verified: 1,
  warnings: [],
  ...overrides,
});

const facts = (overrides: Partial<RunFacts> = {}): RunFacts => ({
  runId: 'run-1',
  startedAt: new Date('2027-01-01T03:00:00Z'),
  finishedAt: new Date('2027-01-01T03:00:12Z'),
  total: 4,
  outcomes: [],
  ...overrides,
});

describe('buildRunSummary', () => {
  test('adds up the outcomes and counts the rest as skipped', () => {
    const outcomes = [
      anOutcome({ certificateName: 'c.example.com', deployed: 2, verified: 3, warnings: ['grade B'] }),
      anOutcome({
        certificateName: 'b.example.com',
        result: 'failed',
        error: { code: 'ca-unreachable', message: 'no answer' },
        deployed: 0,
        verified: 0,
      }),
      anOutcome(),
    ];
    const nextActionAt = new Date('2027-01-02T03:00:00Z');
    expect(buildRunSummary(facts({ outcomes, nextActionAt }))).toEqual({
      runId: 'run-1',
      startedAt: new Date('2027-01-01T03:00:00Z'),
      finishedAt: new Date('2027-01-01T03:00:12Z'),
      durationMillis: 12_000,
      total: 4,
      renewed: ['a.example.com', 'c.example.com'],
      skippedCount: 1,
      failed: [{ name: 'b.example.com', code: 'ca-unreachable', error: 'no answer' }],
      deployed: 3,
      verified: 4,
      warnings: [{ name: 'c.example.com', message: 'grade B' }],
      nextRunAt: nextActionAt,
    });
  });

  test('gives a failure without a recorded reason words of its own', () => {
    const outcomes = [anOutcome({ result: 'failed' })];
    expect(buildRunSummary(facts({ outcomes })).failed).toEqual([
      { name: 'a.example.com', code: 'unknown', error: 'no reason was recorded' },
    ]);
  });

  test('never counts fewer certificates than have outcomes', () => {
    const summary = buildRunSummary(facts({ total: 0, outcomes: [anOutcome()] }));
    expect(summary).toMatchObject({ total: 1, skippedCount: 0 });
    expect(summary).not.toHaveProperty('nextRunAt');
  });
});

describe('the summary as text', () => {
  test('says totals, failures with reasons, warnings and the next run', () => {
    expect(formatMessageText(aMessage(), { shownLines: 10 })).toBe(
      [
        'certfleet: 3 of 5 renewed, 1 failed',
        '',
        '  Total     5',
        '  Renewed   3',
        '  Skipped   1 (not due)',
        '  Failed    1',
        '  Deployed  3 targets',
        '  Verified  1 endpoint',
        '',
        'Failed',
        '  d.example.com: the CA gave no answer (ca-unreachable)',
        '',
        'Warnings',
        '  a.example.com: served without its intermediate',
        '',
        'run run-1 took 12.3 s; next run 2027-01-02 03:00 UTC',
      ].join('\n'),
    );
  });

  test('says how many failures it leaves out', () => {
    const text = formatMessageText(aMessage({ failed: failures(12, 'no answer') }), { shownLines: 10 });
    expect(text).toContain('  n9.example.com: no answer (ca-unreachable)\n  and 2 more\n');
    expect(text).not.toContain('n10.example.com');
  });

  test('keeps a reason on its line, without control characters, at no more than 300 characters', () => {
    const failed = failures(1, `first\r\nsecond\u001b[31m\u202e${'x'.repeat(400)}`);
    const line = formatMessageText(aMessage({ failed }), { shownLines: 10 }).split('\n')[10] ?? '';
    expect(line).toMatch(/^ {2}n0\.example\.com: first second \[31m x+…$/);
    expect(line.trim()).toHaveLength(300);
  });

  test.each([
    [aMessage(), 'certfleet: 3 of 5 renewed, 1 failed'],
    [aMessage({ failed: [], skippedCount: 2 }), 'certfleet: 3 of 5 renewed, none failed'],
    [aMessage({ failed: [], renewed: [], skippedCount: 5 }), 'certfleet: nothing due among 5 certificates'],
  ])('has a title for %#', (summary, title) => {
    expect(summary).toMatchObject({ title, subject: title });
  });

  test.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1000, '1.0 s'],
    [59_999, '59.9 s'],
    [60_000, '1 min 0 s'],
    [3_599_000, '59 min 59 s'],
    [7_380_000, '2 h 3 min'],
  ])('writes %i ms as %s', (millis, text) => {
    expect(formatDuration(millis)).toBe(text);
  });
});

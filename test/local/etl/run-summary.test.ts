import { describe, expect, it } from 'vitest';
import { statusOf, summarizeRun } from '../../../local/etl/run-summary.ts';
import { booksOf } from '../../../shared/etl/books/books.ts';
import { aRun, noon, secondsLater } from '../../shared/etl/ledger/builders.ts';

const times = { startedAt: noon, now: secondsLater(3) };

describe('the summary of a run without a report', () => {
  it('names the run that was opened, its counts and why it failed', () => {
    const failure = { class: 'terminal', code: 'target-refused', at: noon, stage: 'load' } as const;
    const run = aRun({
      state: 'failed',
      failure: { ...failure, chunkId: '00000-ab' },
      nextActionAt: undefined,
      books: booksOf({ extracted: 10, staged: 9, filtered: 1, inserted: 4, updated: 1 }),
    });
    expect(summarizeRun({ run, problems: [], ...times })).toMatchObject({
      runId: run.runId,
      status: 'failed',
      extracted: 10,
      transformed: 9,
      loaded: 5,
      filtered: 1,
      errors: 1,
      durationMs: 3_000,
      quality: { findings: [{ action: 'fail', message: 'target-refused: in load, chunk 00000-ab' }] },
    });
  });

  it('says what a run is held for', () => {
    const heldFor = [{ code: 'peer-unreachable', subject: 'peer db:5432', message: 'no answer' }];
    const summary = summarizeRun({ run: aRun({ state: 'held', heldFor }), problems: [], ...times });
    expect(summary).toMatchObject({ status: 'held', errors: 0 });
    expect(summary.quality.findings).toEqual([
      { action: 'fail', message: 'peer-unreachable: peer db:5432: no answer' },
    ]);
  });

  it('is failed, with the reason, where none was opened', () => {
    const problems = ['pipeline-invalid: /name: is missing'];
    expect(summarizeRun({ run: undefined, problems, ...times })).toMatchObject({
      runId: '',
      status: 'failed',
      errors: 1,
      quality: { findings: [{ action: 'fail', message: 'pipeline-invalid: /name: is missing' }] },
    });
  });
});

describe('the status of a run', () => {
  it('is there when people have been told', () => {
    expect(statusOf(aRun({ state: 'reported' }))).toBe('succeeded');
    expect(statusOf(aRun({ state: 'held' }))).toBe('held');
    expect(statusOf(aRun({ state: 'loaded' }))).toBeUndefined();
    expect(statusOf(aRun({ state: 'failed' }))).toBeUndefined();
    expect(statusOf(aRun({ state: 'failed', nextActionAt: undefined }))).toBe('failed');
  });
});

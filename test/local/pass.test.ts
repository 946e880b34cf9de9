import { describe, expect, it } from 'vitest';
import { summarizePass } from '../../local/pass-summary.ts';
import { countPassed, createProgressDisplay } from '../../local/progress.ts';
import type { CertificateOutcome } from '../../shared/report/outcome.ts';
import { noon } from '../support/builders.ts';

const anOutcome = (
  certificateName: string,
  changes: Partial<CertificateOutcome> = {},
): CertificateOutcome => ({
  runId: 'r',
  certificateName,
  generation: 1,
  result: 'renewed',
  at: noon,
  deployed: 1,
  verified: 2,
  warnings: [],
  ...changes,
});

describe('the summary of a pass', () => {
  const pass = {
    runId: 'r',
    startedAt: noon,
    finishedAt: new Date(noon.getTime() + 1234),
    names: ['a', 'b', 'c', 'd'],
    due: ['a', 'b', 'c'],
    outcomes: [
      anOutcome('a'),
      anOutcome('b', { result: 'failed', deployed: 0, verified: 0, error: { code: 'x-y', message: 'no' } }),
    ],
    unfinished: [{ name: 'c', reason: 'interrupted' }],
  };
  it('has every certificate in one list, and counts certificates rather than endpoints', () => {
    expect(summarizePass(pass, { reasons: new Map(), challengeOf: () => 'http-01', etl: null })).toEqual({
      runId: 'r',
      certificates: {
        total: 4,
        renewed: ['a'],
        skipped: ['d'],
        failed: [
          { name: 'b', error: 'no [x-y]' },
          { name: 'c', error: 'interrupted' },
        ],
      },
      deployed: 1,
      verified: 1,
      etl: null,
      durationMs: 1234,
    });
  });

  it('adds to a failure what kept this machine from answering its challenge', () => {
    const reasons = new Map([['dns-01' as const, 'port 53 is in use']]);
    const { certificates } = summarizePass(pass, {
      reasons,
      challengeOf: (name) => (name === 'b' ? 'dns-01' : 'http-01'),
      etl: null,
    });
    expect(certificates.failed.map(({ error }) => error)).toEqual([
      'dns-01 could not be answered: port 53 is in use (no [x-y])',
      'interrupted',
    ]);
  });
});

describe('progress', () => {
  const progress = {
    tracked: 10,
    due: 8,
    planned: 0,
    atStep: new Map([
      ['place-order' as const, 2],
      ['deploy' as const, 3],
      ['verify' as const, 1],
    ]),
    outcomes: [anOutcome('a'), anOutcome('b', { result: 'failed' })],
  };

  it('counts for each stage what has left it behind', () => {
    expect(Object.fromEntries(countPassed(progress))).toEqual({
      'renew-certificate': 5,
      'deploy-certificate': 2,
      'verify-certificate': 1,
    });
  });

  it('is one line per change where nothing can be redrawn', () => {
    const written: string[] = [];
    const display = createProgressDisplay({ write: (text) => written.push(text) });
    display.show(progress);
    display.show(progress);
    expect(written).toEqual(['renew 5/8  deploy 2/8  verify 1/8  failed 1\n']);
  });

  it('is redrawn in place at a terminal', () => {
    const written: string[] = [];
    const display = createProgressDisplay({ isTTY: true, write: (text) => written.push(text) });
    display.show({ ...progress, due: 9 });
    display.show(progress);
    expect(written[1]).toBe('\x1b[4A\x1b[0J');
    expect(written[2]).toMatch(
      /check {3}8 of 10 due {2}1 failed\n.*renew .* 5\/8\n.*deploy .* 2\/8\n.*verify .* 1\/8\n$/,
    );
  });
});

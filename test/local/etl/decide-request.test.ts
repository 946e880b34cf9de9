import { describe, expect, it } from 'vitest';
import { decideRequest, isUnderWay } from '../../../local/etl/decide-request.ts';
import { runStates } from '../../../shared/etl/ledger/run.ts';
import { aRun, secondsLater } from '../../shared/etl/ledger/builders.ts';

const same = { configHash: 'c0ffee', isExpired: false };
const changed = { configHash: 'decaf', isExpired: false };
const failure = { class: 'terminal', code: 'target-refused', at: secondsLater(1) } as const;

describe('what a pass asks for', () => {
  it('is a run where the window has none', () => {
    expect(decideRequest(undefined, same)).toEqual({ kind: 'start', existing: 'leave' });
  });

  it('is nothing where the window was loaded as it is defined', () => {
    expect(decideRequest(aRun({ state: 'reported' }), same)).toEqual({ kind: 'nothing' });
  });

  it.each(['reported', 'failed', 'held'] as const)(
    'is a new run where the definition of a run that is %s has changed',
    (state) => {
      expect(decideRequest(aRun({ state, failure }), changed)).toMatchObject({
        kind: 'start',
        existing: 'supersede',
        reason: expect.stringContaining('the definition has changed'),
      });
    },
  );

  it('is that a held run is looked at, and that a failed one goes on', () => {
    expect(decideRequest(aRun({ state: 'held' }), same)).toMatchObject({ kind: 'start', existing: 'resume' });
    expect(decideRequest(aRun({ state: 'failed', failure }), same)).toMatchObject({
      kind: 'start',
      existing: 'resume',
      reason: expect.stringContaining('(target-refused)'),
    });
  });

  it('is a new run in place of a failed one whose raw records have expired', () => {
    const decision = decideRequest(aRun({ state: 'failed', failure }), { ...same, isExpired: true });
    expect(decision).toMatchObject({ kind: 'start', existing: 'supersede' });
  });

  it('waits for what is under way', () => {
    expect(runStates.filter((state) => !isUnderWay(aRun({ state })))).toEqual(['held', 'reported', 'failed']);
  });
});

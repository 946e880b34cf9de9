import { describe, expect, it } from 'vitest';
import { startEtl } from '../../events/start-etl.ts';
import { parseEvent } from '../../shared/runtime/handler.ts';

const window = { from: '2026-11-21T11:00:00Z', to: '2026-11-21T12:00:00Z' };
const read = { from: new Date(window.from), to: new Date(window.to) };
const instant = 'an instant in UTC, such as 2026-11-21T11:00:00Z';

describe('an event of start-etl', () => {
  it.each([
    [
      { trigger: 'schedule', time: 'now' },
      { trigger: 'schedule', time: 'now' },
    ],
    [{ pipeline: 'orders' }, { pipeline: 'orders', existing: 'leave', dryRun: false }],
    [
      { pipeline: 'orders', backfill: window, existing: 'resume', dryRun: true },
      { pipeline: 'orders', backfill: read, existing: 'resume', dryRun: true },
    ],
    [
      { pipeline: 'orders', replay: { window } },
      { pipeline: 'orders', replay: { window: read } },
    ],
    [{ validate: null }, { validate: null }],
  ])('%j is read', (event, expected) => {
    expect(parseEvent(startEtl, event)).toEqual(expected);
  });

  it.each([
    [null, ['event: holds none of "trigger", "pipeline", "validate"']],
    ['orders', ['event: holds none of "trigger", "pipeline", "validate"']],
    [{ name: 'orders' }, ['event: holds none of "trigger", "pipeline", "validate"']],
    [{ trigger: 'scheduled' }, ['trigger: the one trigger there is: "schedule"']],
    [{ pipeline: 'orders', existing: 'retry' }, ['existing: one of "leave", "resume", "supersede"']],
    [
      { pipeline: '', window: { from: '11:00', to: 3 }, dryRun: 'yes' },
      [
        'pipeline: the name of a pipeline, of 1 to 64 characters',
        `window.from: ${instant}`,
        `window.to: ${instant}`,
        'dryRun: true or false',
      ],
    ],
    [{ window }, ['pipeline: the name of a pipeline, of 1 to 64 characters']],
    [{ pipeline: 'orders', window: '2026-11-21' }, ['window: an object of from, to']],
    [
      { pipeline: 'orders', windw: window },
      ['event: "windw" is no member here; there are pipeline, window, backfill, existing, dryRun'],
    ],
    [
      { pipeline: 'orders', window: { ...window, until: 1 } },
      ['window: "until" is no member here; there are from, to'],
    ],
    [
      { pipeline: 'orders', replay: { window }, dryRun: true },
      ['event: "dryRun" is no member here; there are pipeline, replay'],
    ],
    [
      { pipeline: 'orders', window, backfill: window },
      ['backfill: does not go with window; give one of the two'],
    ],
    [{ validate: undefined }, ['validate: holds no definition']],
    [{ validate: {}, dryRun: true }, ['event: "dryRun" is no member here; there are validate']],
  ])('%j is refused with every problem by its path', (event, problems) => {
    const { error } = startEtl.safeParse(event);
    expect(error?.issues).toHaveLength(problems.length);
    for (const problem of problems) expect(() => parseEvent(startEtl, event)).toThrow(problem);
  });

  it('that is refused is not repeated at length', () => {
    expect(() => parseEvent(startEtl, { pipeline: 'orders', ['x'.repeat(10_000)]: 1 })).toThrow(
      /^.{10,300}$/,
    );
  });
});

import { describe, expect, it } from 'vitest';
import { FunctionFailure } from '../../../local/aws/lambda/function-failure.ts';
import { problemOf, untilAborted, type Watch, watchRun } from '../../../local/etl/watch-run.ts';
import { createMemoryRunLedger } from '../../../shared/etl/ledger/ledger.memory.ts';
import type { Run } from '../../../shared/etl/ledger/run.ts';
import { aRun, noon } from '../../shared/etl/ledger/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

async function watched(
  first: Run,
  { changes = [], ...given }: Partial<Watch> & { changes?: Partial<Run>[] },
) {
  const ledger = createMemoryRunLedger();
  let current = await ledger.openRun(first);
  const clock = createFakeClock(noon);
  const ticks: Date[] = [];
  const lines: string[] = [];
  const run = await watchRun({
    ledger,
    clock,
    slot: first,
    signal: new AbortController().signal,
    onProgress: (line) => lines.push(line),
    async tick() {
      ticks.push(clock.now());
      current = { ...current, ...changes[ticks.length - 1], version: current.version + 1 };
      await ledger.replaceRun(current);
      return [];
    },
    ...given,
  });
  return { run, ticks, lines, clock };
}

describe('watching a run', () => {
  it('ticks at once and then every five seconds, until people have been told', async () => {
    const changes = [{ state: 'extracting' }, { state: 'loaded' }, { state: 'reported' }] as const;
    const { run, ticks, lines } = await watched(aRun(), { changes: [...changes] });
    expect(run?.state).toBe('reported');
    expect(ticks[0]).toEqual(noon);
    expect(ticks[1]?.getTime()).toBeGreaterThanOrEqual(noon.getTime() + 5_000);
    expect(lines).toEqual([
      'pipeline orders: checking',
      'pipeline orders: extracting',
      'pipeline orders: loaded',
      'pipeline orders: reported',
    ]);
  });

  it('goes on while a failed run has yet to be told of', async () => {
    const changes = [{ state: 'failed' as const }, { nextActionAt: undefined }];
    const { run, ticks } = await watched(aRun(), { changes });
    expect(run).toMatchObject({ state: 'failed' });
    expect(ticks).toHaveLength(2);
  });

  it('shows what is wrong once, and tries again', async () => {
    const answers = ['the first', 'the first', 'the other'];
    let asked = 0;
    const { lines, run } = await watched(aRun(), {
      async tick() {
        const message = answers[asked++];
        if (message === undefined) throw new Error('no more');
        return [{ pipeline: 'orders', opened: 0, sent: 0, problems: [{ code: 'unwell', message }] }];
      },
    });
    expect(run?.state).toBe('checking');
    expect(lines.slice(1)).toEqual([
      '  unwell: the first',
      '  unwell: the other',
      '  unexpected: Error: no more',
    ]);
  });

  it('ends after a quarter of an hour with what there is', async () => {
    const { run, clock } = await watched(aRun(), {});
    expect(run?.state).toBe('checking');
    expect(clock.now().getTime() - noon.getTime()).toBeLessThan(15 * 60_000 + 1_000);
  });

  it('ends when the signal aborts, whatever is under way', async () => {
    const interruption = new AbortController();
    const { run } = await watched(aRun(), {
      signal: interruption.signal,
      tick: () => {
        interruption.abort();
        return new Promise(() => undefined);
      },
    });
    expect(run?.state).toBe('checking');
    expect(await untilAborted(new Promise(() => undefined), interruption.signal, 'cut off')).toBe('cut off');
  });
});

describe('a problem', () => {
  it('has the code that the function answered, or that its call failed', () => {
    const failed = (errorType: string) =>
      new FunctionFailure('start-etl', { errorType, errorMessage: 'the window is not over' });
    expect(problemOf(failed('window-not-over'))).toBe('window-not-over: the window is not over');
    expect(problemOf(failed('Error'))).toBe('function-failed: start-etl: Error: the window is not over');
  });
});

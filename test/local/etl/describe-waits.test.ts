import { describe, expect, it } from 'vitest';
import { describeStruggle, describeWaits } from '../../../local/etl/describe-waits.ts';
import type { Chunk } from '../../../shared/etl/ledger/chunk.ts';
import { aRun, noon, secondsLater, someChunks } from '../../shared/etl/ledger/builders.ts';

const run = aRun({ state: 'loading' });
const resting = (chunk: Chunk, seconds: number, code = 'target-unavailable'): Chunk => ({
  ...chunk,
  stage: 'load',
  failure: { class: 'transient', code, at: noon },
  restsUntil: secondsLater(seconds),
});

describe('what a run waits for', () => {
  it('is said with its code, its chunk and its time', () => {
    const [chunk] = someChunks(run, 1).map((each) => resting(each, 90));
    expect(describeWaits(chunk ? [chunk] : [], noon)).toEqual([
      `load: target-unavailable in chunk ${chunk?.chunkId}, again at 12:01:30 UTC`,
    ]);
  });

  it('is one line for each reason, with the chunk that goes on first', () => {
    const [first, second, third] = someChunks(run, 3);
    if (!first || !second || !third) throw new Error('three were asked for');
    const chunks = [resting(first, 90), resting(second, 30), resting(third, 60, 'throttled')];
    expect(describeWaits(chunks, noon)).toEqual([
      `load: target-unavailable in chunk ${second.chunkId} and 1 more, again at 12:00:30 UTC`,
      `load: throttled in chunk ${third.chunkId}, again at 12:01:00 UTC`,
    ]);
  });

  it('is nothing where a chunk is done, or its pause is over', () => {
    const [chunk] = someChunks(run, 1).map((each) => resting(each, 90));
    if (!chunk) throw new Error('one was asked for');
    expect(describeWaits([{ ...chunk, phase: 'done' }], noon)).toEqual([]);
    expect(describeWaits([chunk], secondsLater(90))).toEqual([]);
  });

  it('is the next try of a run that could not be started', () => {
    const struggling = aRun({ strugglingSince: noon, nextActionAt: secondsLater(120) });
    expect(describeStruggle(struggling)).toEqual(['checking: tried again at 12:02:00 UTC']);
    expect(describeStruggle(aRun())).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { verifyChain } from '../../../../shared/audit/verify-chain.ts';
import { addBooks, findImbalances } from '../../../../shared/etl/books/books.ts';
import { stages } from '../../../../shared/etl/ledger/run.ts';
import { createSeededRandom } from '../../../support/seeded-random.ts';
import { partsOf } from './builders.ts';
import { createFate, type Ending, type Mishap } from './mortal.ts';
import { chunkCount, createPipelineScene } from './pipeline-scene.ts';

const expectedBooks = addBooks(
  Array.from({ length: chunkCount }, (_, ordinal) => stages.map((stage) => partsOf(ordinal)[stage])).flat(),
);

/** Lives through the mishaps and answers what is wrong at the end; nothing, if all is well. */
async function liveThrough(mishaps: readonly Mishap[]) {
  const fate = createFate(mishaps);
  const scene = createPipelineScene(fate);
  // Late enough that whoever stood still has been overtaken, and once more at the end.
  await scene.live((number) => number === 12 && fate.wakeAll());
  fate.wakeAll();
  await new Promise((resolve) => setImmediate(resolve));

  const wrong: string[] = [];
  const check = (holds: boolean, what: string) => {
    if (!holds) wrong.push(what);
  };
  const run = await scene.run();
  const chunks = run ? await scene.ledger.listChunks(run) : [];
  const path = scene.states.filter((state) => state !== 'extracting').join(' ');
  check(path === 'planned transforming loading loaded reported', `states ${scene.states.join(' ')}`);
  check(run?.state === 'reported', `the run is ${run?.state}`);
  check(run?.committed?.watermark === 'w1', 'the watermark did not move');
  check(JSON.stringify(run?.books) === JSON.stringify(expectedBooks), 'the books differ');
  check(findImbalances(run?.books ?? expectedBooks).length === 0, 'the books do not balance');
  check(chunks.length === chunkCount && chunks.every(({ phase }) => phase === 'done'), 'a chunk is not done');
  check(scene.target.size === chunkCount, `${scene.target.size} chunks are in the target`);
  check(Math.max(...scene.efforts.values()) <= 1 + mishaps.length, 'work was repeated without need');
  check(scene.reports >= 1 && scene.reports <= 1 + mishaps.length, `${scene.reports} reports`);
  const events = await Array.fromAsync(scene.audit.read('orders', 0));
  check(events.length === 1 && verifyChain(events).intact, `${events.length} audit events`);
  check(scene.unexpected.length === 0, `unexpected: ${scene.unexpected.map(String).join('; ')}`);
  return { steps: fate.steps, wrong };
}

describe('a run whose workers end', () => {
  it('takes each way once when nobody does', async () => {
    const { steps, wrong } = await liveThrough([]);
    expect(wrong).toEqual([]);
    expect(steps).toBeGreaterThan(90);
  });

  it.each<Ending>(['death', 'standstill'])(
    'by %s before or after any step has every chunk in the target once, and its books balanced',
    async (ending) => {
      const { steps } = await liveThrough([]);
      const failed: string[] = [];
      for (let at = 1; at <= steps; at += 1)
        for (const side of ['before', 'after'] as const) {
          const { wrong } = await liveThrough([{ at, side, ending }]);
          if (wrong.length > 0) failed.push(`${side} ${at}: ${wrong.join(', ')}`);
        }
      expect(failed).toEqual([]);
    },
  );

  it('three times over, anywhere and in either way, comes to the same', async () => {
    const random = createSeededRandom(2026);
    const failed: string[] = [];
    for (let trial = 0; trial < 500; trial += 1) {
      const mishaps = Array.from({ length: 3 }, () => ({
        at: 1 + Math.floor(random() * 140),
        side: random() < 0.5 ? ('before' as const) : ('after' as const),
        ending: random() < 0.5 ? ('death' as const) : ('standstill' as const),
      }));
      const { wrong } = await liveThrough(mishaps);
      if (wrong.length > 0) failed.push(`${JSON.stringify(mishaps)}: ${wrong.join(', ')}`);
    }
    expect(failed).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { requestRuns } from '../../../../shared/etl/chain/request-runs.ts';
import { tick } from '../../../../shared/etl/chain/tick.ts';
import { createChainWorld } from '../../../support/chain-world.ts';
import { aChainDefinition } from '../../../support/etl-orders.ts';
import { createTroubledSource, failing, request, slotAt, windowAt } from './scene.ts';

const hour = 3_600_000;
const hourly = { everySeconds: 3600 };
type World = ReturnType<typeof createChainWorld>;

const statesOf = (world: World, hours: readonly number[]) =>
  Promise.all(hours.map(async (each) => (await world.ledger.getRun(slotAt(each)))?.state));

describe('a tick', () => {
  it('opens and starts the last window that is over in a pipeline that has never run, and no other', async () => {
    const world = createChainWorld();
    await world.tick();
    await world.tick();
    expect(world.ticks.map(({ opened }) => opened)).toEqual([1, 0]);
    expect(await statesOf(world, [-1, 0, 1])).toEqual([undefined, 'reported', undefined]);
  });

  it('opens every window since, after a pause', async () => {
    const world = createChainWorld();
    await world.until(slotAt(), ['reported']);
    world.clock.advance(5 * hour);
    await world.tick();
    expect(world.ticks.at(-1)?.opened).toBe(5);
    expect(await statesOf(world, [5, 6])).toEqual(['reported', undefined]);
  });

  it('brings the runs of a pipeline to their end whose definition was deleted, and opens no more', async () => {
    const world = createChainWorld();
    await world.tickAlone();
    world.catalogue.clear();
    world.clock.advance(2 * hour);
    await world.until(slotAt(), ['reported']);
    expect(await statesOf(world, [0, 1, 2])).toEqual(['reported', undefined, undefined]);
  });

  it('leaves out no window because a person has run a later one first', async () => {
    const world = createChainWorld();
    await world.until(slotAt(), ['reported']);
    world.clock.advance(4 * hour);
    await request(world, 'leave', windowAt(4));
    await world.until(slotAt(4), ['reported']);
    await world.tick();
    expect(await statesOf(world, [1, 2, 3])).not.toContain(undefined);
  });

  it('goes on behind more windows that fail than it opens at once', async () => {
    const source = createTroubledSource(failing('give-up'), Number.POSITIVE_INFINITY);
    const world = createChainWorld({ source });
    await world.until(slotAt(), ['failed']);
    world.clock.advance(60 * hour);
    await world.until(slotAt(48), ['failed']);
    await world.until(slotAt(60), ['failed']);
    expect(
      new Set(
        await statesOf(
          world,
          Array.from({ length: 60 }, (_, at) => at),
        ),
      ),
    ).toEqual(new Set(['failed']));
  });

  it('catches up with a pause of more windows than one request may open', async () => {
    const world = createChainWorld({ definition: aChainDefinition({ window: { everySeconds: 60 } }) });
    await world.tick();
    world.clock.advance(8 * 24 * hour);
    await world.tick();
    expect(world.ticks.at(-1)).toMatchObject({ opened: 48, problems: [] });
    await world.tick();
    expect(world.ticks.at(-1)).toMatchObject({ opened: 48, problems: [] });
  });

  it('opens nothing of a pipeline that is started by hand alone', async () => {
    const window = { ...hourly, automatic: false };
    const world = createChainWorld({ definition: aChainDefinition({ window }) });
    await world.tick();
    expect(world.ticks).toEqual([{ pipeline: 'orders', opened: 0, sent: 0, problems: [] }]);
    await request(world, 'leave');
    expect(await world.until(slotAt(), ['reported'])).toMatchObject({ trigger: 'manual' });
  });

  it('is not held up by a pipeline that is badly defined', async () => {
    const world = createChainWorld();
    world.catalogue.set('broken', { name: 'broken' });
    world.catalogue.set('another', { ...aChainDefinition(), name: 'misnamed' });
    await world.tick();
    const told = world.ticks.map(({ pipeline, problems, opened }) => [pipeline, problems[0]?.code, opened]);
    expect(told.toSorted()).toEqual([
      ['another', 'pipeline-invalid', 0],
      ['broken', 'pipeline-invalid', 0],
      ['orders', undefined, 1],
    ]);
  });

  it('comes to every pipeline, however many runs of one wait for an end that does not answer', async () => {
    let spentMillis = 0;
    const beforeGate = async () => {
      spentMillis += 20_000;
    };
    const world = createChainWorld({ beforeGate });
    world.catalogue.set('zebra', { ...aChainDefinition(), name: 'zebra' });
    world.hold([{ code: 'peer-unreachable', subject: 'peer', message: 'nobody answers' }]);
    const backfill = { from: windowAt(-200).from, to: windowAt(0).to };
    const asked = { pipeline: 'orders', backfill, existing: 'leave' as const };
    await world.serve((ports, worker) => requestRuns(ports, worker, asked));
    const seen: string[] = [];
    for (let minute = 0; minute < 10; minute += 1) {
      world.clock.advance(60_000);
      spentMillis = 0;
      const remainingMillis = () => 300_000 - spentMillis;
      await world.serve(async (ports, { deadline, ...worker }) => {
        const results = await tick(ports, { ...worker, deadline: { ...deadline, remainingMillis } });
        seen.push(...results.map(({ pipeline }) => pipeline));
      });
    }
    expect(seen.filter((name) => name === 'zebra')).toHaveLength(10);
  });

  it('goes on with what a pipeline has begun when its definition is broken meanwhile', async () => {
    const world = createChainWorld();
    await world.tick();
    world.catalogue.set('orders', { name: 'orders' });
    expect(await world.until(slotAt(), ['reported'])).toMatchObject({ state: 'reported' });
  });

  it('does its work once where it is doubled, and where a person starts the same window', async () => {
    const world = createChainWorld();
    await Promise.all([world.tick(), world.tick(), request(world, 'leave')]);
    await Promise.all([world.tick(), world.tick()]);
    await world.until(slotAt(), ['reported']);
    expect(world.states.filter((state) => state === 'planned')).toHaveLength(1);
    expect(world.reports).toHaveLength(1);
    expect(world.unexpected).toEqual([]);
  });

  it('sends a chunk that nobody took after two minutes, and then every ten', async () => {
    const world = createChainWorld();
    await world.serve((ports, worker) =>
      requestRuns(ports, worker, { pipeline: 'orders', window: windowAt(0), existing: 'leave' }),
    );
    world.messages.length = 0;
    const sentAt = async (seconds: number) => {
      world.clock.advance(seconds * 1000);
      await world.tickAlone();
      return world.messages.splice(0).filter(({ kind }) => kind === 'carry').length;
    };
    expect(await sentAt(60)).toBe(0);
    expect(await sentAt(60)).toBe(3);
    expect(await sentAt(60)).toBe(0);
    expect(await sentAt(539)).toBe(0);
    expect(await sentAt(1)).toBe(3);
  });
});

describe('a request', () => {
  it('about many windows passes over those that cannot be resumed', async () => {
    const source = createTroubledSource(failing('give-up'), 2);
    const world = createChainWorld({ source });
    const backfill = { from: windowAt(-2).from, to: windowAt(0).to };
    const ask = (existing: 'leave' | 'resume') =>
      world.ask((ports, worker) => requestRuns(ports, worker, { pipeline: 'orders', backfill, existing }));
    await ask('leave');
    expect(await statesOf(world, [-2, -1, 0])).toEqual(['failed', 'failed', 'reported']);
    const answer = await ask('resume');
    expect(answer.map(({ kind }) => kind)).toEqual(['resumed', 'resumed', 'exists']);
    await world.until(slotAt(-2), ['reported']);
    await world.until(slotAt(-1), ['reported']);
  });
});

import { describe, expect, it } from 'vitest';
import { carry } from '../../../../shared/etl/chain/carry.ts';
import { requestRuns } from '../../../../shared/etl/chain/request-runs.ts';
import { tellFailedChunk } from '../../../../shared/etl/chain/tell-failed-chunk.ts';
import { whyNotReported } from '../../../../shared/etl/chain/why-not-reported.ts';
import type { CarryOutcome } from '../../../../shared/etl/ledger/carry-chunk.ts';
import { Failure } from '../../../../shared/runtime/errors.ts';
import { type ChainWorld, createChainWorld } from '../../../support/chain-world.ts';
import { createSceneSource } from '../../../support/etl-orders.ts';
import { request, slotAt } from './scene.ts';

type Entry = readonly ['warn' | 'error', string, Record<string, unknown>];

/** A world whose one chunk waits for extract-records, which throws `thrown`; the first message is not delivered. */
async function aWorldBefore(thrown: unknown) {
  const source = createSceneSource({ chunks: 1, records: 4, batch: 4 });
  const world = createChainWorld({
    source: {
      ...source,
      // biome-ignore lint/correctness/useYield: it fails before anything is read.
      async *read() {
        throw thrown;
      },
    },
  });
  await world.tickAlone();
  world.messages.length = 0;
  const run = await world.ledger.getRun(slotAt());
  if (!run) throw new Error('no run was opened');
  const [chunk] = await world.ledger.listChunks(run);
  if (!chunk) throw new Error('the run has no chunk');
  return { world, run, chunk };
}

async function carryOnce(world: ChainWorld, ref: Parameters<typeof carry>[2]) {
  const log: Entry[] = [];
  const onFailure = tellFailedChunk({
    warn: (message, facts) => void log.push(['warn', message, facts]),
    error: (message, facts) => void log.push(['error', message, facts]),
  });
  const outcomes: CarryOutcome[] = [];
  await world.serve(async (ports, worker) => {
    outcomes.push(await carry({ ...ports, onFailure }, { ...worker, stage: 'extract' }, ref));
  });
  return { log, outcome: outcomes[0] };
}

describe('a chunk that fails', () => {
  it('in passing is a warning with our own words, which the ledger does not hold', async () => {
    const message = 'the host shop.example.com does not answer; ask who runs it';
    const { world, run, chunk } = await aWorldBefore(
      new Failure({ code: 'source-unavailable', disposition: 'retry', message, cause: new Error('secret') }),
    );
    const { log, outcome } = await carryOnce(world, chunk);
    expect(outcome).toMatchObject({ kind: 'retry', failure: { code: 'source-unavailable' } });
    const { runId, pipeline } = run;
    const facts = { pipeline, runId, chunkId: chunk.chunkId, stage: 'extract', code: 'source-unavailable' };
    expect(log).toEqual([['warn', 'chunk failed', { ...facts, problem: message, again: expect.any(Date) }]]);
    expect(JSON.stringify(await world.ledger.getChunk(chunk))).not.toContain('shop.example.com');
  });

  it('for good is an error', async () => {
    const message = 'the source has no table orders; correct the definition';
    const { world, chunk } = await aWorldBefore(
      new Failure({ code: 'table-missing', disposition: 'give-up', message }),
    );
    const { log, outcome } = await carryOnce(world, chunk);
    expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'table-missing' } });
    const facts = { code: 'table-missing', problem: message, stage: 'extract' };
    expect(log).toEqual([['error', 'chunk failed, and its run with it', expect.objectContaining(facts)]]);
  });

  it('in a way that nobody foresaw is told by its name, for its text may quote a record', async () => {
    const { world, chunk } = await aWorldBefore(new RangeError('no price: mary@example.com'));
    const { log, outcome } = await carryOnce(world, chunk);
    expect(log).toEqual([
      [
        'error',
        'chunk failed, and its run with it',
        expect.objectContaining({ code: 'unexpected', problem: 'an error that nobody foresaw: RangeError' }),
      ],
    ]);
    expect(JSON.stringify([log, outcome])).not.toContain('mary');
  });
});

describe('who comes for a chunk that is not to be had', () => {
  it('is told why', async () => {
    const { world, chunk } = await aWorldBefore(
      new Failure({ code: 'source-unavailable', disposition: 'retry', message: 'again' }),
    );
    const why = async (ref = chunk) => (await carryOnce(world, ref)).outcome;
    expect(await why({ ...chunk, chunkId: 'none' })).toEqual({ kind: 'not-taken', why: 'chunk-unknown' });
    const until = new Date(world.clock.now().getTime() + 60_000);
    await world.ledger.claimChunk(chunk, { owner: 'another', now: world.clock.now(), until });
    expect(await why()).toEqual({ kind: 'not-taken', why: 'another-worker' });
    world.clock.advance(61_000);
    expect(await why()).toMatchObject({ kind: 'retry' });
    expect(await why()).toEqual({ kind: 'not-taken', why: 'rests' });
  });

  it('when its run has failed', async () => {
    const give = new Failure({ code: 'table-missing', disposition: 'give-up', message: 'none' });
    const { world, chunk } = await aWorldBefore(give);
    await carryOnce(world, chunk);
    const { outcome } = await carryOnce(world, chunk);
    expect(outcome).toEqual({ kind: 'not-taken', why: 'run-takes-no-work' });
  });
});

describe('a report that is not to be given', () => {
  it('says why', async () => {
    const meanwhile: unknown[] = [];
    const world: ChainWorld = createChainWorld({
      beforeTelling: async () => void meanwhile.push(await why()),
    });
    const why = () => whyNotReported(world.ledger, slotAt());
    expect(await why()).toEqual({ result: 'no-such-run' });
    await world.tickAlone();
    expect(await why()).toEqual({ result: 'not-over', state: 'extracting' });
    await world.until(slotAt(), ['reported']);
    expect(meanwhile).toEqual([{ result: 'another-worker', state: 'loaded' }]);
    expect(await why()).toEqual({ result: 'already-reported', state: 'reported' });
  });
});

it('a request for a window whose run has failed is told with what', async () => {
  const give = new Failure({ code: 'table-missing', disposition: 'give-up', message: 'none' });
  const { world, chunk } = await aWorldBefore(give);
  await carryOnce(world, chunk);
  const answer = { kind: 'exists', state: 'failed', failure: 'table-missing' };
  expect(await request(world, 'leave')).toMatchObject([answer]);
});

describe('a window that cannot be started', () => {
  const refusal = (from: string, to: string) => {
    const window = { from: new Date(from), to: new Date(to) };
    const asked = { pipeline: 'orders', window, existing: 'leave' as const };
    // It is 2026-11-21T12:00:02Z.
    return createChainWorld()
      .ask((ports, worker) => requestRuns(ports, worker, asked))
      .catch((error: unknown) => error);
  };
  const [ten, eleven, noon, one] = [10, 11, 12, 13].map((hour) => `2026-11-21T${hour}:00:00.000Z`) as [
    ...[string, string],
    ...[string, string],
  ];

  it('yet says when it can be', async () => {
    expect(await refusal(noon, one)).toMatchObject({
      code: 'window-not-over',
      message: expect.stringContaining(`${noon}/${one} of orders is not over before ${one}`),
    });
  });

  it.each([
    ['beside the grid', '2026-11-21T11:10:00Z', '2026-11-21T12:10:00Z', `${eleven}/${noon}`],
    ['before its half', '2026-11-21T10:29:00Z', '2026-11-21T11:29:00Z', `${ten}/${eleven}`],
    ['past its half', '2026-11-21T10:30:00Z', '2026-11-21T11:30:00Z', `${eleven}/${noon}`],
    ['of another length', ten, noon, `${ten}/${eleven}`],
    ['within one that is not over', '2026-11-21T12:00:00Z', '2026-11-21T12:00:01Z', `${eleven}/${noon}`],
    ['turned round', noon, eleven, `${eleven}/${noon}`],
  ])('%s hears of the nearest that can', async (_what, from, to, near) => {
    expect(await refusal(from, to)).toMatchObject({
      code: 'window-off-grid',
      message: expect.stringContaining(`is over is ${near}`),
    });
  });
});

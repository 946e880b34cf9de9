import fc from 'fast-check';
import { expect, it } from 'vitest';
import { findImbalances } from '../../../../shared/etl/books/books.ts';
import { type ChunkWork, carryChunk } from '../../../../shared/etl/ledger/carry-chunk.ts';
import type { Chunk, LeasedChunk } from '../../../../shared/etl/ledger/chunk.ts';
import { createMemoryRunLedger } from '../../../../shared/etl/ledger/ledger.memory.ts';
import type { RunLedger } from '../../../../shared/etl/ledger/ledger.ts';
import { openRun } from '../../../../shared/etl/ledger/open-run.ts';
import { fixManifest, writeChunks } from '../../../../shared/etl/ledger/plan-run.ts';
import type { Run, RunState } from '../../../../shared/etl/ledger/run.ts';
import { resumeRun, tendRun } from '../../../../shared/etl/ledger/tend-run.ts';
import { Failure } from '../../../../shared/runtime/errors.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { aManifest, aPlan, noon, partsOf } from './builders.ts';
import { type Fare, LedgerModel, leaseSeconds } from './ledger-model.ts';

class Died extends Error {}

const evenly = () => 0.5;
const failures: Partial<Record<Fare, () => Failure>> = {
  transient: () => new Failure({ code: 'source-reset', disposition: 'retry', message: 'reset' }),
  throttled: () =>
    new Failure({ code: 'source-busy', disposition: 'retry-after', retryAfterSeconds: 45, message: 'busy' }),
  poison: () => new Failure({ code: 'chunk-unreadable', disposition: 'quarantine', message: 'unreadable' }),
};

/** A run of `count` chunks that is being extracted, with everything a command does to it. */
async function createSystem(count: number) {
  const clock = createFakeClock(noon);
  const memory = createMemoryRunLedger();
  const states: RunState[] = [];
  const late: LeasedChunk[] = [];
  let owners = 0;
  const ledger: RunLedger = {
    ...memory,
    async replaceRun(run) {
      const written = await memory.replaceRun(run);
      if (written) states.push(run.state);
      return written;
    },
  };
  const ports = { ledger, clock, random: evenly };
  const { run: opened } = await openRun(ports, aPlan(), 'leave');
  const manifest = aManifest(opened.runId, count);
  const planned = await fixManifest(ports, opened, { manifest, manifestKey: 'm', watermark: 'w1' });
  await writeChunks(ports, planned, manifest);
  const run = async (): Promise<Run> => (await memory.getRun(opened)) ?? opened;
  const chunks = (): Promise<readonly Chunk[]> => memory.listChunks(opened);

  const workFor =
    (fare: Fare, tellDead: () => void): ChunkWork =>
    async (chunk) => {
      const failure = failures[fare];
      if (failure) throw failure();
      if (fare === 'pause') return { checkpoint: String(Number(chunk.checkpoint ?? '0') + 1) };
      if (fare === 'die-at-work') {
        late.push(chunk);
        tellDead();
        throw new Died();
      }
      return { books: partsOf(chunk.ordinal)[chunk.stage] };
    };

  return {
    ports,
    run,
    chunks,
    states,
    late,
    clock,
    async carry(index: number, fare: Fare): Promise<string> {
      const chunk = (await chunks())[index];
      if (!chunk) throw new RangeError(`no chunk ${index}`);
      let dead = false;
      const die = () => {
        dead = true;
      };
      const whileAlive =
        <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) =>
        async (...args: Args): Promise<T> => {
          if (dead) throw new Died();
          return call(...args);
        };
      const mortal: RunLedger = {
        ...ledger,
        releaseChunk: whileAlive(ledger.releaseChunk),
        replaceRun: whileAlive(ledger.replaceRun),
        countFinished: whileAlive(ledger.countFinished),
        async saveChunk(leased) {
          await ledger.saveChunk(leased);
          if (fare !== 'die-settling' || leased.phase !== 'settling') return;
          late.push(leased);
          die();
        },
      };
      const owner = `worker ${owners++}`;
      const worker = { ...ports, ledger: mortal, owner, leaseSeconds };
      try {
        return (await carryChunk(worker, chunk, workFor(fare, die))).kind;
      } catch (error) {
        if (error instanceof Died) return 'died';
        throw error;
      }
    },
  };
}

type System = Awaited<ReturnType<typeof createSystem>>;
type LedgerCommand = fc.AsyncCommand<LedgerModel, System>;

const always = () => true;

class Carry implements LedgerCommand {
  readonly index: number;
  readonly fare: Fare;
  constructor(index: number, fare: Fare) {
    this.index = index;
    this.fare = fare;
  }
  check = (model: LedgerModel) => this.index < model.chunks.length;
  async run(model: LedgerModel, system: System) {
    expect(await system.carry(this.index, this.fare)).toBe(model.carry(this.index, this.fare));
    await agree(model, system);
  }
  toString = () => `carry ${this.index} ${this.fare}`;
}

/** The same again and again, as it takes to come to the end of everybody's patience. */
class Streak implements LedgerCommand {
  readonly fares: readonly Fare[];
  readonly index: number;
  constructor(index: number, fares: readonly Fare[]) {
    this.index = index;
    this.fares = fares;
  }
  check = (model: LedgerModel) => this.index < model.chunks.length;
  async run(model: LedgerModel, system: System) {
    for (const fare of this.fares) {
      await new Carry(this.index, fare).run(model, system);
      await new Wait(700).run(model, system);
    }
  }
  toString = () => `streak ${this.index} ${this.fares.join(' ')}`;
}

class Wait implements LedgerCommand {
  readonly seconds: number;
  constructor(seconds: number) {
    this.seconds = seconds;
  }
  check = always;
  async run(model: LedgerModel, system: System) {
    model.now += this.seconds;
    system.clock.advance(this.seconds * 1000);
  }
  toString = () => `wait ${this.seconds}`;
}

class Resume implements LedgerCommand {
  check = always;
  async run(model: LedgerModel, system: System) {
    const resumed = await resumeRun(system.ports, await system.run()).then(always, (error) => {
      expect(error).toMatchObject({ code: 'run-not-ready' });
      return false;
    });
    expect(resumed).toBe(model.resume());
    await agree(model, system);
  }
  toString = () => 'resume';
}

class Tend implements LedgerCommand {
  check = always;
  async run(model: LedgerModel, system: System) {
    await tendRun(system.ports, await system.run());
    model.tend();
    await agree(model, system);
  }
  toString = () => 'tend';
}

class StartAgain implements LedgerCommand {
  check = always;
  async run(model: LedgerModel, system: System) {
    const before = await system.run();
    const other = { ...system.ports, random: () => 0.25 };
    expect(await openRun(other, aPlan(), 'leave')).toEqual({ kind: 'exists', run: before });
    await agree(model, system);
  }
  toString = () => 'start again';
}

/** A worker thought dead comes back: it may write only while nobody has claimed its chunk since. */
class LateWrite implements LedgerCommand {
  check = always;
  async run(model: LedgerModel, system: System) {
    for (const late of system.late) {
      const index = late.ordinal;
      const overtaken = !model.chunks[index]?.held;
      if (!overtaken) continue;
      await expect(system.ports.ledger.releaseChunk({ ...late, checkpoint: 'late' })).rejects.toMatchObject({
        code: 'lease-lost',
      });
    }
    await agree(model, system);
  }
  toString = () => 'late write';
}

const stageNames = ['extract', 'transform', 'load'];

async function agree(model: LedgerModel, system: System) {
  const [run, chunks] = [await system.run(), await system.chunks()];
  expect(run.state).toBe(model.state);
  expect(chunks.map(({ stage, phase }) => (phase === 'done' ? 'done' : `${stage} ${phase}`))).toEqual(
    model.chunks.map(({ stage, settling }) =>
      stage === 3 ? 'done' : `${stageNames[stage]} ${settling ? 'settling' : 'pending'}`,
    ),
  );
  const parked = chunks.filter(({ phase, nextActionAt }) => phase !== 'done' && !nextActionAt);
  expect(parked.map(({ ordinal }) => ordinal)).toEqual([...model.parked].sort());
  expect(run.committed !== undefined).toBe(model.state === 'loaded');
}

/** Whatever has happened, a person resumes and workers work. */
async function bringHome(model: LedgerModel, system: System) {
  for (let round = 0; round < 60 && model.state !== 'loaded'; round += 1) {
    await new Wait(700).run(model, system);
    await new Resume().run(model, system);
    await new Tend().run(model, system);
    for (const index of model.chunks.keys()) await new Carry(index, 'done').run(model, system);
  }
}

it('does what its model does, in 2,000 lives of up to 40 events, and every life can be brought home', async () => {
  const index = fc.nat(3);
  const fares: Fare[] = ['pause', 'transient', 'throttled', 'poison', 'die-at-work', 'die-settling'];
  const anyFare = fc.oneof(
    { weight: 6, arbitrary: fc.constant<Fare>('done') },
    { weight: 6, arbitrary: fc.constantFrom(...fares) },
  );
  const streak = fc.tuple(
    index,
    fc.oneof(
      fc.array(fc.constantFrom<Fare>('die-at-work', 'die-at-work', 'die-at-work', 'transient'), {
        maxLength: 9,
      }),
      fc.array(fc.constantFrom<Fare>('transient', 'transient', 'transient', 'throttled'), { maxLength: 6 }),
    ),
  );
  const commands = fc.commands(
    [
      fc.tuple(index, anyFare).map(([chunk, fare]) => new Carry(chunk, fare)),
      fc.tuple(index, anyFare).map(([chunk, fare]) => new Carry(chunk, fare)),
      streak.map(([chunk, fares]) => new Streak(chunk, fares)),
      fc.constantFrom(1, 30, 45, 60, 120, 600).map((seconds) => new Wait(seconds)),
      fc.constant(new Resume()),
      fc.constant(new Tend()),
      fc.constant(new StartAgain()),
      fc.constant(new LateWrite()),
    ],
    { maxCommands: 40, size: '+1' },
  );
  const reached = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), commands, async (count, life) => {
      const [model, system] = [new LedgerModel(count), await createSystem(count)];
      await fc.asyncModelRun(() => ({ model, real: system }), life);
      reached.set(model.state, (reached.get(model.state) ?? 0) + 1);
      await bringHome(model, system);
      const run = await system.run();
      expect(run.state).toBe('loaded');
      expect(run.books && findImbalances(run.books)).toEqual([]);
      expect(system.states.filter((state) => state === 'loaded')).toHaveLength(1);
    }),
    { numRuns: 2000, seed: 20_261_121 },
  );
  // The lives were not all alike.
  expect([...reached.keys()].sort()).toEqual(
    expect.arrayContaining(['extracting', 'failed', 'loaded', 'loading']),
  );
}, 120_000);

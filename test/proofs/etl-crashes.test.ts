import { describe, expect, it } from 'vitest';
import { digestOfRecord } from '../../shared/audit/run-record.ts';
import { trustKey } from '../../shared/audit/signer.ts';
import { findImbalances } from '../../shared/etl/books/books.ts';
import { listSetAside, partName } from '../../shared/etl/chain/replays.ts';
import { scopeKey } from '../../shared/etl/run/scope.ts';
import { verifyRun } from '../../shared/etl/run/verify-run.ts';
import { createFate, type Ending, type Mishap } from '../shared/etl/ledger/mortal.ts';
import { type ChainWorld, createChainWorld, windowOfScene } from '../support/chain-world.ts';
import { recordsOf } from '../support/etl-orders.ts';
import { createSeededRandom } from '../support/seeded-random.ts';

const chunks = 3;
const records = 24;
const slot = { pipeline: 'orders', scopeKey: scopeKey({ kind: 'window', ...windowOfScene }) };

/** What must be in the target, told by the records themselves. */
const oracle = Array.from({ length: chunks }, (_, chunk) => recordsOf(chunk, records))
  .flat()
  .filter(({ fate }) => fate === 'loaded')
  .map(({ row }) => String(row.id))
  .sort();
const countOf = (fate: string) =>
  Array.from({ length: chunks }, (_, chunk) => recordsOf(chunk, records))
    .flat()
    .filter((record) => record.fate === fate).length;
const books = {
  extracted: chunks * records,
  filtered: countOf('filtered'),
  quarantined: countOf('quarantined') + countOf('unreadable'),
  duplicates: countOf('duplicate'),
  staged: oracle.length,
};

/** Lives through the mishaps; answers what is wrong at the end, nothing if all is well. */
async function liveThrough(mishaps: readonly Mishap[]) {
  const fate = createFate(mishaps);
  const world = createChainWorld({ fate, batchesPerWorker: 2 });
  // Late enough that whoever stood still has been overtaken, and once more at the end.
  await world.live((number) => number === 14 && fate.wakeAll());
  fate.wakeAll();
  await new Promise((resolve) => setImmediate(resolve));
  await world.deliver();
  return { steps: fate.steps, wrong: await judge(world, mishaps.length) };
}

async function judge(world: ChainWorld, mishaps: number): Promise<string[]> {
  const wrong: string[] = [];
  const check = (holds: boolean, what: string) => {
    if (!holds) wrong.push(what);
  };
  const run = await world.ledger.getRun(slot);
  check(run?.state === 'reported', `the run is ${run?.state} ${run?.failure?.code}`);
  if (!run) return ['there is no run'];
  const loaded = world.target
    .rows()
    .map(({ id }) => String(id))
    .sort();
  check(JSON.stringify(loaded) === JSON.stringify(oracle), `${loaded.length} rows are in the target`);
  for (const [name, count] of Object.entries(books))
    check(run.books?.[name as keyof typeof books] === count, `${name} is not ${count}`);
  check(run.books !== undefined && findImbalances(run.books).length === 0, 'the books do not balance');
  check(world.reports.length >= 1 && world.reports.length <= 1 + mishaps, `${world.reports.length} reports`);
  check(
    world.reports.every(({ status }) => status === 'succeeded'),
    'a report of failure',
  );
  const left: string[] = [];
  for (const prefix of ['raw/', 'staged/'])
    for await (const { key } of world.buckets.work.listVersions(prefix)) left.push(key);
  check(left.length === 0, `${left.length} raw versions are left`);
  const setAside = await listSetAside(world, { load: run, replays: [] });
  const aside: string[] = [];
  for await (const version of world.buckets.quarantine.listVersions('')) aside.push(partName(version));
  check(setAside.size === chunks, `${setAside.size} objects set aside`);
  check(aside.filter((name) => setAside.has(name)).length === chunks, 'objects are missing in quarantine');
  // A worker that is overtaken clears up by itself, and may die over it: nobody reads what it has left.
  check(aside.length - chunks <= Math.max(0, mishaps - 1), `${aside.length} objects in quarantine`);
  check(world.unexpected.length === 0, `unexpected: ${world.unexpected.map(String).join('; ')}`);
  wrong.push(...(await verifyRecord(world, run.runId)));
  return wrong;
}

/** The signed record and the sealed chain, as a verifier gets them. */
async function verifyRecord({ buckets, publicKeyPem }: ChainWorld, runId: string): Promise<string[]> {
  const read = async (key: string) => {
    const found = await buckets.records.read(key);
    return found ? Buffer.concat(await Array.fromAsync(found.bytes)).toString('utf8') : undefined;
  };
  const text = await read(`records/orders/${runId}.json`);
  if (!text) return ['there is no signed record'];
  const signed = JSON.parse(text);
  const keys: string[] = [];
  for await (const { key } of buckets.records.listVersions('audit/orders/'))
    if (key.endsWith('.ndjson')) keys.push(key);
  const lines = (await Promise.all(keys.sort().map(read))).join('').split('\n').filter(Boolean);
  const events = [...new Map(lines.map((line) => [JSON.parse(line).seq, JSON.parse(line)])).values()];
  const problems = verifyRun(signed, { trustedKeys: [trustKey(publicKeyPem)], events });
  const signedEvents = events.filter(({ kind }) => kind === 'record-signed');
  return [
    ...problems.map(({ code, message }) => `${code}: ${message}`),
    ...(signedEvents.length === 1 && signedEvents[0].facts.digest === digestOfRecord(signed.record)
      ? []
      : ['the audit chain does not hold the record']),
    ...(events.filter(({ kind }) => kind === 'raw-erased').length === 1
      ? []
      : ['erasure is not on record once']),
  ];
}

describe('the whole chain', () => {
  it('comes to its end when nobody dies', async () => {
    const { steps, wrong } = await liveThrough([]);
    expect(wrong).toEqual([]);
    console.info(`${steps} awaits of ${chunks} chunks in five functions`);
    expect(2 * 2 * steps).toBeGreaterThan(900);
  });

  it.each<Ending>(['death', 'standstill'])(
    'by %s before or after any await has each row once, its books balanced and its record whole',
    async (ending) => {
      const { steps } = await liveThrough([]);
      const failed: string[] = [];
      for (let at = 1; at <= steps; at += 1)
        for (const side of ['before', 'after'] as const) {
          const { wrong } = await liveThrough([{ at, side, ending }]);
          if (wrong.length > 0) failed.push(`${side} ${at}: ${wrong.join(', ')}`);
        }
      console.info(`${ending}: ${2 * steps - failed.length} of ${2 * steps} points`);
      expect(failed).toEqual([]);
    },
    600_000,
  );

  it('three times over, anywhere and in either way, comes to the same', async () => {
    const seed = 2026;
    const random = createSeededRandom(seed);
    const { steps } = await liveThrough([]);
    const failed: string[] = [];
    for (let trial = 0; trial < 300; trial += 1) {
      const mishaps = Array.from({ length: 3 }, () => ({
        at: 1 + Math.floor(random() * steps * 1.2),
        side: random() < 0.5 ? ('before' as const) : ('after' as const),
        ending: random() < 0.5 ? ('death' as const) : ('standstill' as const),
      }));
      const { wrong } = await liveThrough(mishaps);
      if (wrong.length > 0) failed.push(`seed ${seed}, ${JSON.stringify(mishaps)}: ${wrong.join(', ')}`);
    }
    expect(failed).toEqual([]);
  }, 600_000);
});

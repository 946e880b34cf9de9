import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExampleOrder } from '../../local/etl/example-orders.ts';
import type { PipelineWorld } from '../../local/etl/pipeline-world.ts';
import { plantedValues } from '../../local/etl/planted-values.ts';
import type { Run } from '../../shared/etl/ledger/run.ts';
import { type ByteScanner, createByteScanner } from '../support/byte-scan.ts';
import { canary, canaryPlaces, plantCanaries } from '../support/byte-scan-canaries.ts';
import { provokeErrors } from '../support/byte-scan-errors.ts';
import {
  type Evidence,
  readBucket,
  readFiles,
  readTables,
  searchEvidence,
  textEvidence,
} from '../support/byte-scan-evidence.ts';
import { openQuarantine } from '../support/byte-scan-quarantine.ts';
import { killedPipeline, type Trouble } from '../support/byte-scan-troubles.ts';
import { type ScannedWorld, startScannedWorld } from '../support/byte-scan-world.ts';

const orderCount = 2_000;
const hostileOrders = 60;

let dataDir: string;
let world: ScannedWorld;
let planted: readonly string[];
let scanner: ByteScanner;
let dynamodb: DynamoDBClient;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'certfleet-privacy-'));
  const example = new URL('../../examples/pipelines/orders.json', import.meta.url);
  const pickOrders = ({ example: shop }: PipelineWorld): readonly ExampleOrder[] => {
    planted = plantedValues(shop?.orders ?? []);
    const values = new Set(planted);
    const known = (shop?.orders ?? []).filter(
      ({ fate, customer }) => fate === 'staged' && values.has(customer.email) && values.has(customer.name),
    );
    return known.slice(0, hostileOrders);
  };
  const exampleText = await readFile(example, 'utf8');
  world = await startScannedWorld({ dataDir, exampleText, orderCount, pickOrders });
  scanner = createByteScanner(planted);
  const { environment } = world.aws;
  dynamodb = new DynamoDBClient({
    endpoint: environment.AWS_ENDPOINT_URL_DYNAMODB ?? '',
    region: environment.AWS_REGION ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
});
afterAll(async () => {
  dynamodb?.destroy();
  await world?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** All there is to read now, of whatever kind. */
const gather = async (): Promise<Evidence[]> => [
  ...world.told(),
  ...(await readTables(dynamodb)),
  ...(await readBucket(world.s3, {
    bucket: world.settingOf('load-records', 'ETL_ANALYTICS_BUCKET'),
    place: 'destination',
  })),
  ...(await readFiles(dataDir)),
];

describe('a thousand personal values', { timeout: 120_000 }, () => {
  it('pass through the chain, and through everything that goes wrong in it, and are nowhere to be read', async () => {
    expect(planted.length).toBeGreaterThanOrEqual(1_000);
    const answers = await runAll();
    const evidence = [...(await gather()), ...answers];
    expect(searchEvidence(scanner, evidence)).toEqual([]);
    expect(missingSigns(evidence)).toEqual([]);
    const { reasons, records } = await openQuarantine(world, dynamodb);
    expect(searchEvidence(scanner, reasons)).toEqual([]);
    expect(searchEvidence(scanner, records)).not.toEqual([]);
  });

  it('are in no error that a source or a destination throws', async () => {
    const errors = await provokeErrors(world);
    expect([...errors.keys()]).toEqual(expect.arrayContaining(throwing));
    expect(searchEvidence(scanner, [...errors.values()])).toEqual([]);
  });

  it('are not to be read either while a worker holds them, nor after it was killed', async () => {
    const trouble = requireTrouble(killedPipeline);
    const killing = world.killOn('transform-records', /\/staged\/killed\//);
    const answer = await world.start(trouble.definition);
    expect(await killing).toBeGreaterThan(0);
    const { s3, settingOf } = world;
    const bucket = settingOf('extract-records', 'ETL_WORK_BUCKET');
    const raw = await readBucket(s3, { bucket, place: 'work' });
    expect(raw.filter(({ bytes }) => Buffer.from(bytes).includes(`raw/${killedPipeline}/`))).not.toEqual([]);
    const evidence = [...(await gather()), ...raw, textEvidence('answers', answer)];
    expect(searchEvidence(scanner, evidence)).toEqual([]);
  });

  it('would have been found wherever they had been', async () => {
    await plantCanaries(world, dynamodb);
    const canaries = createByteScanner(canaryPlaces.map(canary));
    const missing = async () => {
      const found = searchEvidence(canaries, await gather());
      return canaryPlaces.filter(
        (place) =>
          !found.some((finding) => finding.startsWith(`${place.replace(/ .*/, '')}: ${canary(place)} as`)),
      );
    };
    await expect.poll(missing, { timeout: 20_000 }).toEqual([]);
  });
});

/** Troubles that a source or a destination tells of by itself. */
const throwing = [
  ...['bad-request', 'cursor', 'cut-off', 'elsewhere', 'not-json', 'other-place', 'refusing-database'],
  ...['refusing-source', 'server-error', 'web-page'],
];

/** Everything but the run that is killed; answers what the functions answered. */
async function runAll(): Promise<Evidence[]> {
  const { shop, troubles, aws } = world;
  const definition = { ...shop.definition, window: { ...shop.pipeline.window, automatic: false } };
  const others = troubles.filter(({ name }) => name !== killedPipeline);
  const answers: unknown[] = [];
  const runOne = async ({ name: pipeline, definition, end }: Trouble) => {
    answers.push(await world.start(definition).catch(inspect));
    const run = await world.watch({ pipeline }, hasEnded);
    expect({ pipeline, end: await endOf(run) }).toEqual({ pipeline, end });
    answers.push(await aws.lambda.call('report-etl', run));
  };
  await Promise.all([{ name: 'orders', definition, end: 'reported' as const }, ...others].map(runOne));
  const { from, to } = shop.window;
  const window = { from: from.toISOString(), to: to.toISOString() };
  const replay = async (pipeline: string) => {
    const answer = (await aws.lambda.call('start-etl', { pipeline, replay: { window } })) as {
      scope: string;
    };
    answers.push(answer);
    await world.watch({ pipeline, scopeKey: answer.scope }, hasEnded);
  };
  await Promise.all(['orders', 'lines', 'erring-filter'].map(replay));
  expect([...world.api.answered.keys()].sort()).toEqual(world.paths);
  expect(world.database.answered.get('statement')).toBeGreaterThan(0);
  return answers.map((answer) => textEvidence('answers', answer));
}

const hasEnded = async (run: Run): Promise<boolean> => (await endOf(run)) !== undefined;

/** Undefined while it goes on. */
async function endOf(run: Run): Promise<Trouble['end'] | undefined> {
  if (run.state === 'reported') return 'reported';
  if (run.state === 'failed')
    return run.nextActionAt === undefined ? `failed ${run.failure?.code}` : undefined;
  const chunks = await world.stores.ledger.listChunks(run);
  return chunks.some(({ failure }) => failure !== undefined) ? 'retrying' : undefined;
}

/** What tells that a place was looked at while something went on there. */
const signs = [
  ['logs', 'CloudWatchMetrics'],
  ['logs', 'openLineage'],
  ['logs', 'invocation failed'],
  ['logs', 'chunk failed'],
  ['slack', 'refusing-database'],
  ['mail', 'erring-filter'],
  ['messages', 'Action=Publish'],
  ['lambda', 'extract-records'],
  ['tables', 'postgres-refused'],
  ['tables', 'raw-erased'],
  ['destination', 'h1:'],
  ['files', 'reports/orders/'],
  ['files', 'records/orders/'],
  ['files', 'receipts/orders/'],
  ['s3', 'raw/orders/'],
  ['s3', 'staged/orders/'],
  ['answers', 'window/'],
] as const;

const missingSigns = (evidence: readonly Evidence[]) =>
  signs.filter(
    ([place, sign]) =>
      !evidence.some((each) => each.place === place && Buffer.from(each.bytes).includes(sign)),
  );

function requireTrouble(name: string): Trouble {
  const trouble = world.troubles.find((each) => each.name === name);
  if (!trouble) throw new Error(`there is no trouble ${name}`);
  return trouble;
}

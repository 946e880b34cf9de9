import { inspect } from 'node:util';
import { createAwsEnds } from '../../shared/etl/chain/ends.aws.ts';
import { parsePipeline } from '../../shared/etl/definition/parse-pipeline.ts';
import type { Pipeline } from '../../shared/etl/definition/pipeline-schema.ts';
import { tableShapeOf } from '../../shared/etl/destinations/table-shape.ts';
import { systemClock as clock } from '../../shared/runtime/clock.ts';
import { systemRandom as random } from '../../shared/runtime/random.ts';
import { type Evidence, textEvidence } from './byte-scan-evidence.ts';
import type { ScannedWorld } from './byte-scan-world.ts';

/** Every error that the hostile ends bring a source or a destination to throw: message, stack, causes, properties. */
export async function provokeErrors(world: ScannedWorld): Promise<ReadonlyMap<string, Evidence>> {
  const errors = new Map<string, Evidence>();
  for (const { name, definition, end } of world.troubles) {
    const { pipeline } = parsePipeline(definition);
    if (!pipeline || end === 'reported') continue;
    const work = pipeline.destinations[0].type === 'postgresql' ? load : read;
    const error: unknown = await work(world, pipeline).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error === undefined) continue;
    const text = inspect(error, { depth: 12, showHidden: true, maxStringLength: null, maxArrayLength: null });
    errors.set(name, textEvidence('errors', text));
  }
  return errors;
}

const endsOf = ({ s3, settingOf }: ScannedWorld) =>
  createAwsEnds({
    ...{ s3, clock, random, secretsPrefix: 'test' },
    secrets: { read: async () => ({ value: 'let me in' }) },
    analyticsBucket: settingOf('load-records', 'ETL_ANALYTICS_BUCKET'),
  });

async function read(world: ScannedWorld, pipeline: Pipeline): Promise<void> {
  const [database] = [world.peers.get('destination/0')].filter((peer) => peer !== undefined);
  const peers =
    pipeline.source.type === 'postgresql' && database
      ? new Map([['source' as const, database]])
      : world.peers;
  const source = await endsOf(world).source(pipeline, peers);
  const { signal } = new AbortController();
  try {
    for (const slice of await source.plan(world.shop.window, signal))
      for await (const _ of source.read({ chunkId: 'one', slice, signal }));
  } finally {
    await source.close();
  }
}

async function load(world: ScannedWorld, pipeline: Pipeline): Promise<void> {
  const destinations = await endsOf(world).destinations(pipeline, world.peers);
  const names = { pipeline: pipeline.name, loadId: 'ab'.repeat(32), runId: 'run', chunkId: 'one' };
  const { signal } = new AbortController();
  try {
    for (const destination of destinations)
      await destination.load({
        chunk: { ...names, ordinal: 0, of: 1, fence: 1 },
        shape: tableShapeOf(pipeline),
        parts: [],
        signal,
      });
  } finally {
    for (const destination of destinations) await destination.close();
  }
}

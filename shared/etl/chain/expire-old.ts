import { mapBounded } from '../../runtime/concurrency.ts';
import type { Pipeline } from '../definition/pipeline-schema.ts';
import type { ObjectStore, ObjectVersion } from '../objects/object-store.ts';
import { definitionOf, keepDefinition } from './definitions.ts';
import { findExpiredRuns, markExpired } from './expire-raw.ts';
import type { ChainPorts, FinishPorts, Worker } from './ports.ts';
import { workKeys } from './work-objects.ts';

type ExpiryPorts = Pick<FinishPorts, 'audit' | 'buckets' | 'clock' | 'ends' | 'ledger'>;

/** How often a pipeline's retention is seen to. */
const turnMillis = 3_600_000;
/** Deletions under way at once. */
const atOnce = 8;
const hourMillis = 3_600_000;
const dayMillis = 24 * hourMillis;

/** Versions erased. */
export interface Expired {
  /** Raw and staged parts of runs that are over and not finished. */
  readonly raw: number;
  readonly quarantine: number;
  /** In the destinations that are files. */
  readonly loaded: number;
}

/** Has report-etl erase what a pipeline's retention no longer allows, once an hour; one that is lost is sent again. */
export async function sendExpiry(
  ports: Pick<ChainPorts, 'buckets' | 'clock' | 'invoker'>,
  pipeline: Pipeline,
): Promise<void> {
  if (!isTurn(await ports.buckets.work.head(workKeys.expiry(pipeline.name)), ports.clock.now())) return;
  const configHash = await keepDefinition(ports.buckets.work, pipeline);
  await ports.invoker.expire({ pipeline: pipeline.name, configHash });
}

/**
 * Erases what a pipeline's retention no longer allows: parts of failed runs after `rawHours`, quarantine after
 * `quarantineDays`, files it has loaded after `loadedDays`. Counts are put on record. Undefined where this hour's turn
 * has been taken.
 */
export async function expireOld(
  ports: ExpiryPorts,
  { owner, deadline: { signal } }: Pick<Worker, 'owner' | 'deadline'>,
  of: { pipeline: string; configHash: string },
): Promise<Expired | undefined> {
  const definition = await definitionOf(ports.buckets.work, of);
  const now = ports.clock.now();
  if (!(await takeTurn(ports.buckets.work, workKeys.expiry(of.pipeline), { owner, now }))) return undefined;
  const { rawHours, quarantineDays, loadedDays } = definition.retention;
  const ago = (millis: number) => new Date(now.getTime() - millis);
  return {
    raw: await expireRaw(ports, of.pipeline, { before: ago(rawHours * hourMillis), now }),
    quarantine: await expireQuarantine(ports, of.pipeline, { before: ago(quarantineDays * dayMillis), now }),
    loaded: loadedDays
      ? await expireLoaded(ports, definition, { before: ago(loadedDays * dayMillis), now, signal })
      : 0,
  };
}

const isTurn = (last: ObjectVersion | undefined, now: Date): boolean =>
  !last || now.getTime() - last.lastModifiedAt.getTime() >= turnMillis;

async function takeTurn(
  work: ObjectStore,
  key: string,
  { owner, now }: { owner: string; now: Date },
): Promise<boolean> {
  const last = await work.head(key);
  if (!isTurn(last, now)) return false;
  // Unlike any other worker's, so that of two that write at once the second finds another etag.
  const upload = {
    key,
    body: Buffer.from(JSON.stringify({ owner, at: now })),
    contentType: 'application/json',
  };
  const taken = last ? await work.replace(upload, last.etag) : await work.create(upload);
  return taken !== undefined;
}

interface Limit {
  readonly before: Date;
  readonly now: Date;
}

async function expireRaw(ports: ExpiryPorts, pipeline: string, limit: Limit): Promise<number> {
  const runs = await findExpiredRuns(ports, { pipeline, before: limit.before });
  const versions = runs.flatMap((run) => run.versions);
  if (versions.length === 0) return 0;
  for (const run of runs) await markExpired(ports, run);
  await record(ports, pipeline, { ...limit, of: 'raw', versions: versions.length, runs: runs.length });
  return eraseAll(ports.buckets.work, versions);
}

async function expireQuarantine(ports: ExpiryPorts, pipeline: string, limit: Limit): Promise<number> {
  const versions: ObjectVersion[] = [];
  for await (const version of ports.buckets.quarantine.listVersions(`${pipeline}/`))
    if (version.lastModifiedAt < limit.before) versions.push(version);
  if (versions.length === 0) return 0;
  await record(ports, pipeline, { ...limit, of: 'quarantine', versions: versions.length });
  return eraseAll(ports.buckets.quarantine, versions);
}

/** Of the destinations that can tell when they were written; reaching those takes no peer that a gate would check. */
async function expireLoaded(
  ports: ExpiryPorts,
  pipeline: Pipeline,
  { signal, ...limit }: Limit & { signal: AbortSignal },
): Promise<number> {
  const [first, ...others] = pipeline.destinations.filter(({ type }) => type === 's3');
  if (!first) return 0;
  let erased = 0;
  for (const destination of await ports.ends.destinations(
    { ...pipeline, destinations: [first, ...others] },
    new Map(),
  )) {
    const versions = (await destination.expire?.(limit.before, signal)) ?? 0;
    await destination.close();
    if (versions > 0)
      await record(ports, pipeline.name, { ...limit, of: 'loaded', versions, from: destination.name });
    erased += versions;
  }
  return erased;
}

/** Where it can be counted beforehand, before anything is erased: a record of too much is better than none. */
async function record(
  { audit }: ExpiryPorts,
  pipeline: string,
  { before, now: at, ...counts }: Limit & { of: string; versions: number; runs?: number; from?: string },
): Promise<void> {
  const id = ['expired', counts.of, ...(counts.from ? [counts.from] : []), at.toISOString()].join('/');
  const facts = { before: before.toISOString(), ...counts };
  await audit.append(pipeline, { id, kind: 'expired', at, facts });
}

async function eraseAll(store: ObjectStore, versions: readonly ObjectVersion[]): Promise<number> {
  await mapBounded(versions, atOnce, ({ key, versionId }) => store.deleteVersion(key, versionId));
  return versions.length;
}

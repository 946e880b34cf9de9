import { createHash } from 'node:crypto';
import { Failure } from '../../runtime/errors.ts';
import type { ObjectStore } from '../objects/object-store.ts';

/** Where things lie in the work bucket; what begins with a run's prefix is erased with it. */
export const workKeys = {
  definition: (configHash: string) => `definitions/${configHash}.json`,
  /** Marks that a pipeline has had runs, whatever has become of its definition. */
  known: (pipeline: string) => `known/${pipeline}`,
  /** Marks that a certificate's renewal was asked for on a day (UTC). */
  renewalAsked: (day: string, certificate: string) => `asked/${day}/${encodeURIComponent(certificate)}`,
  plan: (run: Named, version: number) => `plans/${run.pipeline}/${run.runId}/${version}.json`,
  parts: (run: Named, stage: 'raw' | 'staged') => `${stage}/${run.pipeline}/${run.runId}/`,
  /** Says that a run's parts have expired. */
  expired: (run: Named) => `expiry/${run.pipeline}/${run.runId}.json`,
  /** Says when a pipeline's retention was last seen to. */
  expiry: (pipeline: string) => `expiry/${pipeline}.json`,
  index: (run: Named, place: string) => `indexes/${run.pipeline}/${run.runId}/${place}.json`,
};

interface Named {
  readonly pipeline: string;
  readonly runId: string;
}

/** What is kept as JSON and never changed: the first to write under a key wins, and everybody reads that. */
export async function keepJson(store: ObjectStore, key: string, value: object): Promise<string> {
  const body = Buffer.from(JSON.stringify(value));
  const created = await store.create({ key, body, contentType: 'application/json' });
  return created ? sha256(body) : sha256((await readBytes(store, key)) ?? body);
}

/** The JSON under a key. @throws Failure `work-object-missing` */
export async function readJson(store: ObjectStore, key: string): Promise<unknown> {
  return JSON.parse((await requireBytes(store, key)).toString('utf8'));
}

/**
 * The JSON under a key as it was when somebody took its digest (SHA-256, hexadecimal): what lies in the bucket may be
 * written over by more people than may write the ledger, which has the digest.
 * @throws Failure `work-object-missing`, `work-object-exchanged`
 */
export async function readKeptJson(store: ObjectStore, key: string, digest: string): Promise<unknown> {
  const bytes = await requireBytes(store, key);
  if (sha256(bytes) !== digest) throw exchanged(key);
  return JSON.parse(bytes.toString('utf8'));
}

/** The bytes of a version, the latest by default. @throws Failure `work-object-missing`, `raw-expired` */
export async function requireBytes(store: ObjectStore, key: string, versionId?: string): Promise<Buffer> {
  const bytes = await readBytes(store, key, versionId);
  if (bytes) return bytes;
  if (/^(raw|staged)\//.test(key)) throw rawExpired(key.split('/')[2] ?? '');
  throw new Failure({
    code: 'work-object-missing',
    disposition: 'give-up',
    message: `the object ${key} that the run depends on is gone; supersede the run`,
  });
}

export async function readBytes(
  store: ObjectStore,
  key: string,
  versionId?: string,
): Promise<Buffer | undefined> {
  const found = await store.read(key, { versionId });
  return found && Buffer.concat(await Array.fromAsync(found.bytes));
}

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

/** Of somebody else's making; what a run would do by it is not what the run was opened for. */
export const exchanged = (key: string): Failure =>
  new Failure({
    code: 'work-object-exchanged',
    disposition: 'give-up',
    message: `the object ${key} is not the one that was kept; find out who writes in the bucket, then supersede the run`,
  });

/** What a run has read is kept for `retention.rawHours`, and no longer than its bucket's own rule allows. */
export const rawExpired = (runId: string): Failure =>
  new Failure({
    code: 'raw-expired',
    disposition: 'give-up',
    message: `what run ${runId} had read has expired, so it cannot go on; supersede it, which reads the source anew`,
  });

import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { keyIdOfWrapped } from '../shared/etl/cells/data-keys.ts';
import { createPartWriter, type PartShelf, type PartWriter, readPart } from '../shared/etl/chain/parts.ts';
import { rawLine, readRawLines } from '../shared/etl/chain/raw-lines.ts';
import { stagedRow } from '../shared/etl/chain/staged-row.ts';
import type { ObjectStore } from '../shared/etl/objects/object-store.ts';
import { createMemoryObjectStore } from '../shared/etl/objects/store.memory.ts';
import { systemClock } from '../shared/runtime/clock.ts';
import { systemRandom } from '../shared/runtime/random.ts';
import { type Prepared, readInput } from './etl-rows.ts';
import { materials } from './etl-workload.ts';

/**
 * The way rows take through extract-records and transform-records: into sealed raw parts, out of them, through
 * contract and transforms, into sealed staged parts. Part by part in one process; a part that was read is dropped.
 */
export async function passSealed(input: string, prepared: Prepared): Promise<void> {
  const shelf = openShelf();
  const raw = createPartWriter(shelf, { prefix: 'raw/' });
  const staged = createPartWriter(shelf, { prefix: 'staged/' });
  const passed = { raw: 0, staged: 0 };
  const passOn = async () => {
    for (const part of raw.parts.slice(passed.raw)) {
      for await (const { records } of readRawLines('bench', await readPart(shelf, part))) {
        for (const row of prepared.transform(records))
          staged.add(JSON.stringify(stagedRow(row, prepared.plan)));
        await staged.flushFull();
      }
    }
    passed.raw = await drop(shelf, raw, passed.raw);
    passed.staged = await drop(shelf, staged, passed.staged);
  };
  for await (const readings of readInput(input)) {
    for (const reading of readings) raw.add(rawLine(reading));
    await raw.flushFull();
    if (raw.parts.length > passed.raw) await passOn();
  }
  await raw.flush();
  await passOn();
  await staged.flush();
}

async function drop({ store }: PartShelf, { parts }: PartWriter, from: number): Promise<number> {
  for (const { key, versionId } of parts.slice(from)) await store.deleteVersion(key, versionId);
  return parts.length;
}

function openShelf(): PartShelf {
  const wrapped = randomBytes(64);
  const { runId } = materials.run;
  const dataKey = {
    keyId: keyIdOfWrapped(wrapped),
    wrapped: wrapped.toString('base64'),
    purpose: { pipeline: 'bench', table: 'orders', runId },
    plaintext: randomBytes(32),
  };
  return { store: createShelfStore(), dataKey, random: systemRandom };
}

/** Objects by key, without the copies and digests of a store that is held to a contract. */
function createShelfStore(): ObjectStore {
  const bodies = new Map<string, Uint8Array>();
  const describe = (key: string, { length }: Uint8Array) => ({
    key,
    versionId: '1',
    etag: '',
    sizeBytes: length,
    lastModifiedAt: materials.run.startedAt,
    metadata: {},
  });
  return {
    ...createMemoryObjectStore(systemClock),
    async create({ key, body }) {
      bodies.set(key, body);
      return describe(key, body);
    },
    async read(key) {
      const body = bodies.get(key);
      return body && { object: describe(key, body), bytes: Readable.from([body]) };
    },
    async deleteVersion(key) {
      bodies.delete(key);
    },
  };
}

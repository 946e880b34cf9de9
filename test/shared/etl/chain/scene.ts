import { requestReplay, requestRuns } from '../../../../shared/etl/chain/request-runs.ts';
import type { Destination } from '../../../../shared/etl/destinations/destination.ts';
import type { ExistingRun } from '../../../../shared/etl/ledger/open-run.ts';
import type { ObjectStore } from '../../../../shared/etl/objects/object-store.ts';
import { scopeKey } from '../../../../shared/etl/run/scope.ts';
import type { Window } from '../../../../shared/etl/run/window.ts';
import type { Source } from '../../../../shared/etl/sources/source.ts';
import { type Disposition, Failure } from '../../../../shared/runtime/errors.ts';
import { type ChainWorld, windowOfScene } from '../../../support/chain-world.ts';
import { createSceneSource } from '../../../support/etl-orders.ts';

/** The window of the scene, or one some hours after it. */
export const windowAt = (hours: number): Window => ({
  from: new Date(windowOfScene.from.getTime() + hours * 3_600_000),
  to: new Date(windowOfScene.to.getTime() + hours * 3_600_000),
});

export const slotAt = (hours = 0, pipeline = 'orders') => ({
  pipeline,
  scopeKey: scopeKey({ kind: 'window', ...windowAt(hours) }),
});

/** The contract without what puts rows into quarantine: `amount` may be text. */
export const corrected = {
  contract: {
    columns: {
      id: { type: 'string', classification: 'internal' },
      at: { type: 'timestamp', classification: 'internal' },
      email: { type: 'string', nullable: true, classification: 'pii' },
      address: { type: 'string', nullable: true, classification: 'pii' },
      amount: { type: 'json', classification: 'internal' },
    },
    key: ['id'],
  },
  transforms: [
    { type: 'hash_pii', column: 'email', kind: 'email' },
    { type: 'encrypt_column', column: 'address' },
    { type: 'dedupe' },
  ],
};

export const request = (world: ChainWorld, existing: ExistingRun, window: Window = windowAt(0)) =>
  world.ask((ports, worker) => requestRuns(ports, worker, { pipeline: 'orders', window, existing }));

export const replay = (world: ChainWorld, window: Window = windowAt(0)) =>
  world.ask((ports, worker) => requestReplay(ports, worker, { pipeline: 'orders', window }));

export const replaySlot = (loadId: string, round: number) => ({
  pipeline: 'orders',
  scopeKey: scopeKey({ kind: 'replay', loadId, round, of: '' }),
});

export const failing = (disposition: Disposition, code = 'made-to-fail', retryAfterSeconds?: number) =>
  new Failure({ code, disposition, message: 'as the test wants it', retryAfterSeconds });

/** A source that fails `times` when it is read, then works. */
export function createTroubledSource(failure: Failure, times: number): Source & { attempts: number } {
  const source = createSceneSource({ chunks: 1, records: 8, batch: 4 });
  return {
    ...source,
    attempts: 0,
    async *read(slice) {
      this.attempts += 1;
      if (this.attempts <= times) throw failure;
      yield* source.read(slice);
    },
  };
}

/** A destination beside the first whose loads and finishes are what the test says. */
export const besideOf = (changes: Partial<Destination>): Destination => ({
  name: 'beside',
  load: async ({ parts }) => {
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    return { inserted: 0, updated: rows, unchanged: 0 };
  },
  finish: async () => undefined,
  close: async () => undefined,
  ...changes,
});

export async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.listVersions(prefix)) keys.push(key);
  return keys;
}

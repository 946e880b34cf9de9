import { describe, expect, it } from 'vitest';
import { createMemoryDataKeys } from '../../../../shared/etl/cells/data-keys.memory.ts';
import type { DataKeys } from '../../../../shared/etl/cells/data-keys.ts';
import { createMemoryKeyShelf } from '../../../../shared/etl/keys/key-shelf.memory.ts';
import type { KeyShelf } from '../../../../shared/etl/keys/key-shelf.ts';
import { createRunKeys, type RunKeyPurpose } from '../../../../shared/etl/keys/run-keys.ts';

const cells: RunKeyPurpose = { pipeline: 'orders', table: 'orders', runId: 'run-1', master: 'cells' };

/** A master key that counts what it is asked. */
function aMaster(seed: number) {
  const keys = createMemoryDataKeys(new Uint8Array(32).fill(seed));
  const calls = { generate: 0, open: 0 };
  const counted: DataKeys = {
    generate: (purpose) => {
      calls.generate += 1;
      return keys.generate(purpose);
    },
    open: (key) => {
      calls.open += 1;
      return keys.open(key);
    },
  };
  return { calls, keys: counted };
}

/** Workers, each a process of its own, over one shelf and one key service. */
function aFleet(shelf: KeyShelf = createMemoryKeyShelf()) {
  const masters = { cells: aMaster(1), quarantine: aMaster(2) };
  const { keys: cellKeys } = masters.cells;
  const { keys: quarantineKeys } = masters.quarantine;
  const start = () => createRunKeys({ shelf, masters: { cells: cellKeys, quarantine: quarantineKeys } });
  return { shelf, masters, start };
}

describe('the keys of a run', () => {
  it('are made once, and found again by every worker', async () => {
    const { start, masters } = aFleet();
    const made = await start().keyFor(cells);
    const found = await start().keyFor(cells);
    expect(Buffer.from(found.plaintext).equals(made.plaintext)).toBe(true);
    expect(found.keyId).toBe(made.keyId);
    expect(masters.cells.calls).toEqual({ generate: 1, open: 1 });
  });

  it('are one for all workers that ask at the same time', async () => {
    const { start } = aFleet();
    const keys = await Promise.all(Array.from({ length: 8 }, () => start().keyFor(cells)));
    expect(new Set(keys.map(({ keyId }) => keyId)).size).toBe(1);
    expect(new Set(keys.map(({ plaintext }) => Buffer.from(plaintext).toString('hex'))).size).toBe(1);
  });

  it('cost the key service one call each in a worker, however often they are asked for', async () => {
    const { start, masters } = aFleet();
    const { keyId } = await start().keyFor(cells);
    const worker = start();
    await Promise.all([worker.keyFor(cells), worker.keyFor(cells), worker.keyFor(cells)]);
    await worker.open({ pipeline: 'orders', keyId });
    expect(masters.cells.calls).toEqual({ generate: 1, open: 1 });
  });

  it.each([
    ['pipeline', { pipeline: 'refunds' }],
    ['table', { table: '_raw' }],
    ['run', { runId: 'run-2' }],
  ])('are others for another %s', async (_, change) => {
    const worker = aFleet().start();
    const [one, other] = [await worker.keyFor(cells), await worker.keyFor({ ...cells, ...change })];
    expect(one.keyId).not.toBe(other.keyId);
  });

  it('are wrapped by the master they are for, and by no other on a second thought', async () => {
    const { start, masters } = aFleet();
    const quarantine: RunKeyPurpose = { ...cells, table: '_quarantine', master: 'quarantine' };
    await start().keyFor(quarantine);
    await start().keyFor(quarantine);
    expect(masters).toMatchObject({
      cells: { calls: { generate: 0, open: 0 } },
      quarantine: { calls: { generate: 1, open: 1 } },
    });
    await expect(start().keyFor({ ...quarantine, master: 'cells' })).rejects.toMatchObject({
      code: 'data-key-of-other-master',
      disposition: 'bug',
    });
  });

  it('are found by the name in a cell, wrapped or in hand', async () => {
    const { start } = aFleet();
    const { keyId, wrapped, plaintext, purpose } = await start().keyFor(cells);
    const ref = { pipeline: 'orders', keyId };
    expect(await start().find(ref)).toEqual({ keyId, wrapped, purpose, master: 'cells' });
    const opened = await start().open(ref);
    expect(Buffer.from(opened.plaintext).equals(plaintext)).toBe(true);
    expect(await start().find({ ...ref, pipeline: 'refunds' })).toBeUndefined();
  });

  it('are in no hand before they are kept', async () => {
    const full: KeyShelf = {
      ...createMemoryKeyShelf(),
      offer: async () => {
        throw new Error('the shelf is full');
      },
    };
    await expect(aFleet(full).start().keyFor(cells)).rejects.toThrow('the shelf is full');
  });
});

describe('an erased key', () => {
  it('opens for nobody, and its run gets no other', async () => {
    const { start } = aFleet();
    const worker = start();
    const { keyId } = await worker.keyFor(cells);
    const ref = { pipeline: 'orders', keyId };
    await worker.erase(ref);
    const erased = { code: 'data-key-erased', disposition: 'give-up' };
    await expect(worker.keyFor(cells)).rejects.toMatchObject(erased);
    await expect(start().keyFor(cells)).rejects.toMatchObject(erased);
    await expect(start().open(ref)).rejects.toMatchObject(erased);
    expect(await worker.find(ref)).toBeUndefined();
  });
});

describe('what a worker has in hand', () => {
  it('is bounded: the longest unused key is asked for again', async () => {
    const { start, masters } = aFleet();
    const worker = start();
    const tableKey = (index: number) => worker.keyFor({ ...cells, table: `t${index}` });
    for (let index = 0; index <= 70; index += 1) await tableKey(index);
    expect(masters.cells.calls).toEqual({ generate: 71, open: 0 });
    await tableKey(70);
    expect(masters.cells.calls.open).toBe(0);
    await tableKey(0);
    expect(masters.cells.calls.open).toBe(1);
  });

  it('is no failure: after one the key service is asked again', async () => {
    const { shelf, masters } = aFleet();
    const { keys: working } = masters.cells;
    let outage = true;
    const flaky: DataKeys = {
      ...working,
      generate: async (purpose) => {
        if (outage) throw new Error('outage');
        return working.generate(purpose);
      },
    };
    const worker = createRunKeys({ shelf, masters: { cells: flaky, quarantine: flaky } });
    await expect(worker.keyFor(cells)).rejects.toThrow('outage');
    outage = false;
    expect((await worker.keyFor(cells)).plaintext).toHaveLength(32);
  });
});

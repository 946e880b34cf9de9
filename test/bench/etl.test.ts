import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { certfleet, ownForms, peers } from '../../bench/etl-contenders.ts';
import { holdContest, measureMemory } from '../../bench/etl-contest.ts';

const folder = mkdtempSync(join(tmpdir(), 'certfleet-bench-etl-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('bench:etl', () => {
  it('measures the rows as NDJSON, as Parquet and as sealed parts, beside peers that write the same bytes', async () => {
    const comparable = peers.filter((peer) => peer.comparable && peer.program !== undefined);
    const contenders = [certfleet, ...Object.values(ownForms), ...comparable];
    const standings = await holdContest(contenders, { rows: 500, rounds: 1, folder });
    expect([...standings.keys()]).toEqual(contenders);
    for (const { rowsPerSecond, maxRssBytes } of standings.values()) {
      expect(rowsPerSecond).toBeGreaterThan(0);
      expect(maxRssBytes).toBeGreaterThan(2 ** 20);
    }
    for (const peer of comparable) expect(standings.get(peer)?.sameOutput).toBe(true);
  }, 60_000);

  it('measures memory by size of input', async () => {
    const memory = await measureMemory([10, 20], folder);
    expect([...memory.keys()]).toEqual([10, 20]);
    for (const bytes of memory.values()) expect(bytes).toBeGreaterThan(2 ** 20);
  }, 60_000);
});

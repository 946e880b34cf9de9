import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { runPass } from './fleet.ts';
import { mixedInventory, namesOf, singleNameInventory } from './inventories.ts';
import { type Pebble, startPebble } from './pebble.ts';
import { countPebbleLog, type PebbleCounts } from './pebble-log.ts';

const allowedRequests = 7;

describe('against Pebble, which refuses 5 % of nonces and reuses half of the authorizations', () => {
  let pebble: Pebble;
  beforeEach(async () => {
    pebble = await startPebble();
  });
  afterEach(() => pebble.stop());

  it('sixty certificates with mixed challenges, up to ten names and wildcards are obtained, deployed and verified', async () => {
    const inventory = mixedInventory();
    const counts = await obtainAll(inventory);
    report(`${inventory.length} certificates`, counts);
    expectNoOrphans(counts, inventory.length);
  });

  it(`a certificate with one name costs at most ${allowedRequests} requests`, async () => {
    const inventory = singleNameInventory(60);
    const counts = await obtainAll(inventory);
    const each = counts.certificateRequests / inventory.length;
    report(`${inventory.length} certificates with one name, ${each.toFixed(2)} requests each`, counts);
    expectNoOrphans(counts, inventory.length);
    expect(each).toBeLessThanOrEqual(allowedRequests);
  });

  async function obtainAll(inventory: ReturnType<typeof mixedInventory>): Promise<PebbleCounts> {
    const pass = await runPass(pebble, inventory);
    onTestFailed(() => {
      console.error(`the pass complained:\n${pass.complaints.slice(-8000)}`);
      console.error(`Pebble's log ends:\n${pebble.log.slice(-40).join('\n')}`);
    });
    expect(pass.summary, 'the summary').toMatchObject({
      certificates: { total: inventory.length, skipped: [], failed: [] },
      deployed: inventory.length,
      verified: inventory.length,
    });
    if (typeof pass.summary === 'string') throw new Error('no summary');
    expect([...pass.summary.certificates.renewed].sort()).toEqual(namesOf(inventory));
    expect(pass.status, 'exit status').toBe(0);
    return countPebbleLog(pebble.log);
  }
});

function expectNoOrphans({ ordersCreated, ordersIssued }: PebbleCounts, certificates: number): void {
  expect(ordersCreated).toHaveLength(certificates);
  expect([...ordersIssued].sort()).toEqual([...ordersCreated].sort());
}

function report(what: string, { requests, certificateRequests }: PebbleCounts): void {
  const total = Object.values(requests).reduce((sum, count) => sum + count, 0);
  console.log(
    `${what}: ${total} requests in all, ${certificateRequests} without directory and account`,
    requests,
  );
}

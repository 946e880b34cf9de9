import { describe, expect, it } from 'vitest';
import { createChainWorld } from '../../../support/chain-world.ts';
import { aChainDefinition } from '../../../support/etl-orders.ts';
import { failing, request, slotAt } from './scene.ts';

const expiring = {
  code: 'certificate-expires-soon',
  subject: 'client etl-client',
  message: 'it has 3 days left; renew it',
  renew: 'etl-client',
};
const unreachable = { code: 'peer-unreachable', subject: 'peer a:443', message: 'it does not answer' };
const minutes = 60_000;

describe('a run that the gate holds', () => {
  it('tells people and asks for renewal once, and goes on by itself when the gate opens', async () => {
    const world = createChainWorld();
    world.hold([expiring]);
    await world.until(slotAt(), ['held']);
    const audited = async () =>
      (await Array.fromAsync(world.audit.read('orders', 0))).filter(({ kind }) => kind === 'held');
    for (let turn = 0; turn < 4; turn += 1) {
      world.clock.advance(15 * minutes);
      await world.tick();
    }
    // Another window was opened meanwhile, and is held up by the same certificate.
    expect(world.renewed).toEqual(['etl-client']);
    expect(new Set((await audited()).map(({ id }) => id)).size).toBe((await audited()).length);
    expect(await audited()).toHaveLength(2);
    // Told again each time; the channels know what they have reported.
    expect(new Set(world.reports.map(({ status, heldFor }) => `${status} ${heldFor[0]?.code}`))).toEqual(
      new Set(['held certificate-expires-soon']),
    );
    world.hold([]);
    world.clock.advance(15 * minutes);
    await world.tick();
    expect(await world.until(slotAt(), ['reported'])).toMatchObject({ books: { staged: 36 } });
  });

  it('is looked at again after a quarter of an hour, and not before', async () => {
    const world = createChainWorld();
    world.hold([expiring]);
    await world.until(slotAt(), ['held']);
    const told = world.reports.length;
    world.clock.advance(14 * minutes);
    await world.tick();
    expect(world.reports).toHaveLength(told);
    world.clock.advance(1 * minutes);
    await world.tick();
    expect(world.reports).toHaveLength(told + 1);
  });

  it('is put on record once however many others write to the audit chain meanwhile', async () => {
    const window = { everySeconds: 60 };
    const world = createChainWorld({ definition: aChainDefinition({ window }) });
    world.hold([expiring]);
    await world.tick();
    // Forty windows, each held and looked at twice.
    for (let turn = 0; turn < 40; turn += 1) {
      world.clock.advance(minutes);
      await world.tick();
    }
    const held = (await Array.fromAsync(world.audit.read('orders', 0))).map(({ id }) => id);
    expect(held.length).toBeGreaterThan(30);
    expect(new Set(held).size).toBe(held.length);
  });

  it('asks for another certificate when that is what it comes to be held for', async () => {
    const world = createChainWorld();
    world.hold([expiring]);
    await world.until(slotAt(), ['held']);
    world.hold([unreachable, { ...expiring, subject: 'client other', renew: 'other' }]);
    world.clock.advance(15 * minutes);
    await world.tick();
    expect(world.renewed).toEqual(['etl-client', 'other']);
    expect(world.reports.at(-1)?.heldFor.map(({ code }) => code)).toEqual([
      'peer-unreachable',
      'certificate-expires-soon',
    ]);
  });

  it('is checked at once where a person resumes it, and may be superseded', async () => {
    const world = createChainWorld();
    world.hold([expiring]);
    const held = await world.until(slotAt(), ['held']);
    expect(await request(world, 'supersede')).toMatchObject([{ kind: 'superseded', state: 'held' }]);
    expect((await world.ledger.getRun(slotAt()))?.runId).not.toBe(held.runId);
    world.hold([]);
    expect(await request(world, 'resume')).toMatchObject([{ kind: 'resumed', state: 'extracting' }]);
  });
});

describe('a gate that cannot be asked', () => {
  const passing = failing('retry', 'vault-unavailable');

  it('is asked again, and given up after six hours, which people hear of once', async () => {
    let asked = 0;
    const world = createChainWorld({
      beforeGate: async () => {
        asked += 1;
        throw passing;
      },
    });
    const opened = world.clock.now();
    const run = await world.until(slotAt(), ['failed']);
    expect(run).toMatchObject({ failedIn: 'checking', failure: { code: 'vault-unavailable' } });
    const hours = (world.clock.now().getTime() - opened.getTime()) / 3_600_000;
    expect(hours).toBeGreaterThan(6);
    expect(hours).toBeLessThan(6.2);
    expect(asked).toBeGreaterThan(50);
    expect(world.reports.filter(({ scope }) => scope.includes('12:00'))).toHaveLength(1);
  });

  it('does not fail a run at once that was held for long before', async () => {
    let isDown = false;
    const world = createChainWorld({
      beforeGate: async () => {
        if (isDown) throw passing;
      },
    });
    world.hold([expiring]);
    await world.until(slotAt(), ['held']);
    world.clock.advance(10 * 60 * minutes);
    isDown = true;
    await world.tick();
    expect(await world.ledger.getRun(slotAt())).toMatchObject({ state: 'held' });
    isDown = false;
    world.hold([]);
    await world.until(slotAt(), ['reported']);
  });

  it('holds up a run that a person has resumed no longer than another', async () => {
    let isDown = true;
    const world = createChainWorld({
      beforeGate: async () => {
        if (isDown) throw passing;
      },
    });
    await world.until(slotAt(), ['failed']);
    await expect(request(world, 'resume')).rejects.toMatchObject({ code: 'vault-unavailable' });
    expect(await world.ledger.getRun(slotAt())).toMatchObject({ state: 'checking' });
    isDown = false;
    await world.until(slotAt(), ['reported']);
  });
});

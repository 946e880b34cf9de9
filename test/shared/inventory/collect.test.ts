import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryCertificateStore } from '../../../shared/certificates/store.memory.ts';
import { collectInventory } from '../../../shared/inventory/collect.ts';
import { noon } from '../../support/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

describe('collecting an inventory', () => {
  const clock = createFakeClock(noon);
  let certificates = createMemoryCertificateStore();
  beforeEach(() => {
    certificates = createMemoryCertificateStore();
  });
  const collect = (...entries: object[]) =>
    collectInventory({ text: JSON.stringify(entries), source: 'domains.json' }, { certificates, clock });

  it('tracks what appears, changes what changed, retires what vanished, and leaves the rest alone', async () => {
    await collect({ domain: 'a.example.com' }, { domain: 'b.example.com' }, { domain: 'c.example.com' });
    const result = await collect(
      { domain: 'a.example.com' },
      { domain: 'b.example.com', key_type: 'rsa-2048' },
      { domain: 'd.example.com' },
    );
    expect(result).toEqual({
      total: 3,
      appeared: ['d.example.com'],
      changed: [{ name: 'b.example.com', fields: ['keyType'] }],
      vanished: ['c.example.com'],
    });
    expect((await certificates.get('c.example.com'))?.state).toBe('retired');
    expect((await certificates.get('b.example.com'))?.policy.keyType).toBe('rsa-2048');
  });

  it('brings a retired certificate back with the policy of today', async () => {
    await collect({ domain: 'a.example.com' }, { domain: 'b.example.com' });
    await collect({ domain: 'b.example.com' });
    const result = await collect(
      { domain: 'b.example.com' },
      { domain: 'a.example.com', sans: ['www.a.example.com'] },
    );
    expect(result.appeared).toEqual(['a.example.com']);
    expect(await certificates.get('a.example.com')).toMatchObject({
      state: 'tracked',
      policy: { domains: ['a.example.com', 'www.a.example.com'] },
    });
  });

  it('changes nothing when anything is wrong', async () => {
    await collect({ domain: 'a.example.com' });
    await expect(collect({ domain: 'b.example.com' }, { domain: '-' })).rejects.toMatchObject({
      code: 'inventory-invalid',
      message: expect.stringContaining('[1].domain'),
    });
    expect(await certificates.countTracked()).toBe(1);
    expect((await certificates.get('a.example.com'))?.state).toBe('tracked');
  });

  describe('F26: an inventory that lost most of the fleet', () => {
    const hosts = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ domain: `h${index}.example.com` }));
    const without = (kept: number, retirements?: 'confirmed') => {
      const entries = [
        ...hosts(kept).map((entry) => ({ ...entry, key_type: 'rsa-2048' })),
        { domain: 'new.example.com' },
      ];
      return collectInventory(
        { text: JSON.stringify(entries), source: 'domains.json', retirements },
        { certificates, clock },
      );
    };

    it('retires nothing, tells the counts and the remedy, and still adds and changes', async () => {
      await collect(...hosts(20));
      await expect(without(9)).rejects.toMatchObject({
        code: 'retirements-unconfirmed',
        disposition: 'give-up',
        message:
          '"domains.json" leaves out 11 of the 20 certificates tracked so far; none was retired, additions and changes were applied. Restore the inventory, or, if this is meant, start collect-inventory with {"confirmRetirements": true}',
      });
      expect(await certificates.countTracked()).toBe(21);
      expect((await certificates.get('h0.example.com'))?.policy.keyType).toBe('rsa-2048');
      expect((await certificates.get('new.example.com'))?.state).toBe('tracked');
    });

    it('goes through once a person has confirmed it', async () => {
      await collect(...hosts(20));
      expect((await without(2, 'confirmed')).vanished).toHaveLength(18);
      expect(await certificates.countTracked()).toBe(3);
    });

    it('is no concern up to half of the fleet, or in a fleet of ten', async () => {
      await collect(...hosts(20));
      expect((await without(10)).vanished).toHaveLength(10);
      certificates = createMemoryCertificateStore();
      await collect(...hosts(10));
      expect((await without(1)).vanished).toHaveLength(9);
    });
  });
});
